/* spin.h -- see spin.c */
#pragma once

/* Starts the program again, once, with a shorter spin of OpenMP's waiting threads; returns when that is already so. */
void spin_less(char **argv);
