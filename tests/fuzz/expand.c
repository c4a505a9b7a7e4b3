/* SPDX-License-Identifier: GPL-2.0-or-later */
/* expand FILE FOLDER: the seeds of a file, as libFuzzer wants them. */
#include <stdio.h>

#include "seeds.h"

int main(int argc, char **argv)
{
	struct seeds s;
	int r;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: %s FILE FOLDER\n", argv[0]);
		return 2;
	}
	if (seeds_load(argv[1], &s) < 0)
		return 1;
	r = seeds_write(&s, argv[2]);
	seeds_deinit(&s);
	return r < 0;
}
