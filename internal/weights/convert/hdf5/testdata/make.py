#!/usr/bin/env python3
"""Writes keras.h5 with the real h5py, laid out as Keras lays its weights out."""
import h5py, numpy as np
ramp = lambda t, *s: (np.arange(np.prod(s)) - 3).astype(t).reshape(s)
with h5py.File("keras.h5", "w") as f:
    f.attrs["layer_names"] = [b"conv2d_%d" % i for i in range(20)]
    f.attrs["keras_version"] = "2.15.0"
    for i in range(20):  # enough members for several symbol nodes
        g = f.create_group("conv2d_%d" % i)
        g.attrs["weight_names"] = [b"conv2d_%d/kernel:0" % i]
        g.create_dataset("conv2d_%d/kernel:0" % i, data=ramp("<f4", 1, 2, 3, i + 1))
    f.create_dataset("types/half", data=ramp("<f2", 5))
    f.create_dataset("types/double", data=ramp("<f8", 5))
    f.create_dataset("types/big", data=ramp(">f4", 5))
    f.create_dataset("types/long", data=ramp("<i8", 5))
    f.create_dataset("types/scalar", data=np.int64(7))
    f.create_dataset("types/name", data="a string is passed over")
    f.create_group("dropout")
with h5py.File("chunked.h5", "w") as f:
    f.create_dataset("x", data=ramp("<f4", 64), chunks=(16,), compression="gzip")
with h5py.File("latest.h5", "w", libver="latest") as f:
    f.create_dataset("x", data=ramp("<f4", 4))
