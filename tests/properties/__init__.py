"""The determination against the referee, and against itself on rearranged inputs."""
