"""What lies in ``adata.uns``: its layout, written whole or not at all, checked when read."""
