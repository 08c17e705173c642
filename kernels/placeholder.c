typedef int kernels_room;
