/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the memory of a guest with a Linux kernel, of a release that may be named, to a file, and prints
 * where its panic_cpu is. */
#include "../unit/fake_kernel.h"

int main(int argc, char **argv)
{
	_cleanup_fclose_ FILE *out = fopen(argc >= 2 ? argv[1] : "", "we");
	_cleanup_(fake_deinit) struct fake f;

	fake_defaults(&f);
	if (argc == 3)
		f.release = argv[2];
	fake_build(&f);
	if (!out || fwrite(f.mem, FAKE_MEMORY, 1, out) != 1 || fflush(out) != 0)
		return 1;
	(void)printf("%d\n", FAKE_PANIC_CPU_PA);
	return 0;
}
