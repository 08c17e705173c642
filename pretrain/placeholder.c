/* pretrain: see README.md */
typedef int pretrain_room;
