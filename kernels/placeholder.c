/* kernels: see README.md */
typedef int kernels_room;
