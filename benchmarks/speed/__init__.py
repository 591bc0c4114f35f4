"""Speed and memory, each against what people use, on the same work in the same run."""
