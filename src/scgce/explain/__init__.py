"""The job that the tools share, one stage a file; the only room between AnnData and the numbers."""
