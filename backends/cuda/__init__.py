"""The CUDA target: kernels as readable CUDA C++, run on a GPU or on an emulator of one."""
