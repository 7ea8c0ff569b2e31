"""What the server's statements are at, and how they are stopped."""
