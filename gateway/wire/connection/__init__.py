"""One connection: its socket, who may come in, and the conversation."""
