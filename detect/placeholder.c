/* detect: see README.md */
typedef int detect_room;
