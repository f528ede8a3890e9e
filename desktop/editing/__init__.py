"""What is edited and what can be done to it: the session and its commands. Without Qt."""
