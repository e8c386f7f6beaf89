"""HDF5 files that grow while others read them."""
