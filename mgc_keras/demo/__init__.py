"""A page to drop a song on, for the browser of this machine. Begin with `listener`, then read `page` and `server`."""
