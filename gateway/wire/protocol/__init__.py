"""What client and server say: the messages, and which may come now."""
