/* datasets: see README.md */
typedef int datasets_room;
