"""For whom a session acts, and what that role may do."""
