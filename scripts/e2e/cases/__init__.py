"""What the stack promises on a real Swarm: each function is one promise, and returns what was seen."""
