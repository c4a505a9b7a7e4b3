/* SPDX-License-Identifier: GPL-2.0-or-later */
/* simmany: many dumps in the simulator, each from a seed, and the counts of what came of them. */
#include <getopt.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sim_case.h"

static const char help[] =
"usage: simmany [--seed S] [--show] [N]\n"
"\n"
"N (10000) simulated dumps, from seed S (1) on, with guests, programs, faults and options at random.\n"
"The exit status is 1 if any broke a rule; each of those is printed with the command that repeats it.\n"
"--show prints the scenario of each as a text for simdump, and its result.\n";

struct counts {
	uint64_t exact, suspects, owed, overrun, faults;
	uint64_t failed[_XLDUMP_CAUSE_MAX], violations;
	uint64_t by_strategy[_XLDUMP_STRATEGY_MAX];
};

static void count(struct counts *n, const struct sim_result *res)
{
	n->faults += res->fault_hit;
	n->owed += res->owed;
	n->overrun += res->overrun;
	n->violations += res->violations > 0;
	if (res->r < 0) {
		n->failed[res->cause]++;
		return;
	}
	n->by_strategy[res->strategy]++;
	if (res->suspects)
		n->suspects++;
	else
		n->exact++;
}

static int one(uint64_t seed, bool show, struct counts *n)
{
	struct sim_result res;
	struct sim_case c;
	int r;

	sim_case_random(seed, &c);
	r = sim_case_run(&c, &res);
	if (r < 0) {
		fprintf(stderr, "simmany: no simulation: %s\n", strerror(-r));
		return r;
	}
	count(n, &res);
	if (show) {
		sim_case_print(&c, stdout);
		printf("#\n");
		sim_result_print(&res, stdout);
		return 0;
	}
	for (unsigned i = 0; i < res.violations; i++)
		printf("seed %" PRIu64 ": violation: %s\n", seed, res.violation[i]);
	if (res.violations)
		printf("    repeat: tests/sim/run 1 --seed %" PRIu64 " --show\n", seed);
	return 0;
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void report(const struct counts *n, uint64_t total, double seconds)
{
	printf("%" PRIu64 " simulated dumps in %.0f s, %" PRIu64 " with an operation that failed\n",
	       total, seconds, n->faults);
	printf("%8" PRIu64 " exact at T\n", n->exact);
	printf("%8" PRIu64 " with suspects, all others exact\n", n->suspects);
	for (int i = 0; i < _XLDUMP_STRATEGY_MAX; i++) {
		if (n->by_strategy[i])
			printf("%8" PRIu64 "   of both by %s\n", n->by_strategy[i],
			       xldump_strategy_name((enum xldump_strategy)i));
	}
	for (int i = 0; i < _XLDUMP_CAUSE_MAX; i++) {
		if (n->failed[i])
			printf("%8" PRIu64 " no dump: %s\n", n->failed[i],
			       xldump_cause_name((enum xldump_cause)i));
	}
	printf("%8" PRIu64 " pauses longer than allowed, each with a warning\n", n->overrun);
	printf("%8" PRIu64 " violations\n", n->violations);
}

static int many(uint64_t first, uint64_t total, bool show)
{
	double t0 = now();
	struct counts n = { 0 };

	for (uint64_t i = 0; i < total; i++) {
		if (one(first + i, show, &n) < 0)
			return 2;
		if ((i + 1) % 1000 == 0 && i + 1 < total) {
			printf("%" PRIu64 " of %" PRIu64 ", %" PRIu64 " violations\n", i + 1, total,
			       n.violations);
			(void)fflush(stdout);
		}
	}
	if (!show)
		report(&n, total, now() - t0);
	return n.violations ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "seed", required_argument, NULL, 's' },
		{ "show", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t seed = 1, total = 10000;
	bool show = false;
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			fputs(help, stdout);
			return 0;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			show = true;
			break;
		default:
			return 2;
		}
	}
	if (optind < argc)
		total = strtoull(argv[optind], NULL, 0);
	if (total == 0) {
		fputs(help, stderr);
		return 2;
	}
	return many(seed, total, show);
}
