"""The matrix X of any kind: row blocks, sums, products, columns; never densified whole."""
