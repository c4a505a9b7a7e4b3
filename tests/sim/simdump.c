/* SPDX-License-Identifier: GPL-2.0-or-later */
/* simdump: one dump in the simulator, described by a text, and what came of it, as a text. */
#include <getopt.h>
#include <stdlib.h>

#include "sim_case.h"

static const char help[] =
"usage: simdump [--seed N] SCENARIO-FILE\n"
"\n"
"Runs one dump in the simulator and prints its result.  The exit status is 1 when a rule was\n"
"broken: the dump is not the guest at one instant, or something was left behind.  A scenario is\n"
"\n"
"  guest pv|pvh|hvm [32-bit] [three-level] [no-shadow] [high] [compact]\n"
"  seed N / pages N / vcpus N / xen 4.N\n"
"  before paused|crashed|logging      by somebody else\n"
"  before pod N|paged N|cap PERCENT\n"
"  run PROGRAM [every TIME]           dirtier stamper tables ballooner p2m-mover crasher destroyer\n"
"                                     other device rings grants xen thief; TIME as\n"
"                                     20us\n"
"  late-write                         a device ends a request during the last copy\n"
"  young-write                        a page comes back after a fetch, is read, and written again\n"
"  slow-pause N                       reading takes N times as long while the guest is stopped\n"
"  restless N                         they and devices are written so often after the vCPUs stopped\n"
"  die-at N                           the domain is destroyed at the Nth operation\n"
"  fail OP ERRNO at=N [once|always] [late]\n"
"  strategy auto|precopy|still|stop|rescan\n"
"  max-pause TIME / max-rounds N / on-overrun fail|throttle|extend...\n"
"\n"
"one a line, # for comments.  The pause is that of the simulator's clock.\n";

static int run_file(const char *path, const char *seed)
{
	struct sim_result res;
	struct sim_case c;
	char why[256];
	FILE *f = fopen(path, "re");
	int r;

	if (!f) {
		fprintf(stderr, "simdump: %s: %s\n", path, strerror(errno));
		return 2;
	}
	r = sim_case_parse(f, &c, why, sizeof(why));
	(void)fclose(f);
	if (r < 0) {
		fprintf(stderr, "simdump: %s: %s\n", path, why);
		return 2;
	}
	if (seed)
		c.p.seed = strtoull(seed, NULL, 0);
	r = sim_case_run(&c, &res);
	if (r < 0) {
		fprintf(stderr, "simdump: no simulation: %s\n", strerror(-r));
		return 2;
	}
	sim_result_print(&res, stdout);
	return res.violations ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "seed", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	const char *seed = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			fputs(help, stdout);
			return 0;
		case 's':
			seed = optarg;
			break;
		default:
			return 2;
		}
	}
	if (optind + 1 != argc) {
		fputs(help, stderr);
		return 2;
	}
	return run_file(argv[optind], seed);
}
