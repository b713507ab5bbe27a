"""An independent referee of the determination, written from the rules alone."""
