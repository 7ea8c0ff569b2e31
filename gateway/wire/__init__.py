"""The only room with sockets, and the bytes that pass through them."""
