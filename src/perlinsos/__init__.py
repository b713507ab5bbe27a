"""Perlinsos: from deliveries of population and welfare data to signed, explained recipient lists."""

__version__ = "0.1.0"
