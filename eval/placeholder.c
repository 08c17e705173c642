/* eval: see README.md */
typedef int eval_room;
