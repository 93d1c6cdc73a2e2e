"""One rank that times MPI's sum of f32 values over all ranks, without Candlebook.

Run by `scale.py`: `mpirun -n 2 python allreduce.py LIBRARY VALUES ...`. Rank 0 prints one line of JSON: the seconds of each sum, the
fastest of several blocks of sums in a row.
"""
import ctypes
import json
import sys
import time

BLOCKS = 12
# About this many values are summed in a block.
VALUES_PER_BLOCK = 2_000_000


def handles(library):
    """The handles of world, f32 and sum, and the address for sums in place, in the binary interface of this library."""
    if "libmpi.so.40" in library._name:
        names = ["ompi_mpi_comm_world", "ompi_mpi_float", "ompi_mpi_op_sum"]
        return [ctypes.c_void_p(ctypes.addressof(ctypes.c_char.in_dll(library, name))) for name in names], ctypes.c_void_p(1)
    return [ctypes.c_int(handle) for handle in (0x44000000, 0x4C00040A, 0x58000003)], ctypes.c_void_p(-1)


def main():
    library = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
    (world, f32, plus), in_place = handles(library)
    library.MPI_Init(None, None)
    rank, size = ctypes.c_int(), ctypes.c_int()
    library.MPI_Comm_rank(world, ctypes.byref(rank))
    library.MPI_Comm_size(world, ctypes.byref(size))
    seconds = []
    for count in map(int, sys.argv[2:]):
        values = (ctypes.c_float * count)()
        sums = max(2, VALUES_PER_BLOCK // count)
        blocks = []
        for _ in range(BLOCKS):
            library.MPI_Barrier(world)
            start = time.perf_counter()
            for _ in range(sums):
                if library.MPI_Allreduce(in_place, values, ctypes.c_int(count), f32, plus, world):
                    sys.exit("MPI_Allreduce failed")
            blocks.append((time.perf_counter() - start) / sums)
        seconds.append(min(blocks))
    if rank.value == 0:
        print(json.dumps({"ranks": size.value, "seconds": seconds}), flush=True)
    library.MPI_Finalize()


main()
