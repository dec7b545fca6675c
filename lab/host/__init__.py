"""The machine under the stack: its engine, its images, and what it lacks."""
