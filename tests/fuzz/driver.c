/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target without libFuzzer: its seeds, then mutations of them that are the same on
 * every run.  With files as arguments: these alone, which reproduces what libFuzzer has found. */
#include <libgen.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"
#include "seeds.h"

#define MUTATIONS 1000
#define SECONDS 1 /* of mutating at most: the sanitizers are slow */
#define INPUT_MAX ((size_t)1 << 16)

static const char *doing; /* what runs now, for the report of a crash */
static unsigned doing_number;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dULL;
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Only what is allowed in a signal handler; the output is ours alone to read. */
static void on_abort(int sig)
{
	char line[160];
	int n = snprintf(line, sizeof(line), "not ok - %s, mutation %u\n", doing, doing_number);

	if (n > 0 && write(STDOUT_FILENO, line, (size_t)n) < 0)
		_exit(1);
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

/* ---- mutations ---- */

static const uint64_t interesting[] = {
	0, 1, 7, 8, 64, 511, 512, 513, 4095, 4096, 0xff, 0x100, 0xffff, 0x10000, 0xfffff, 0x100000,
	0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
	0xffff800000000000, 0xffffffff80000000, 0xffffffffbffffff8, 0xfffffffffffff000, UINT64_MAX,
};

static size_t mutate_once(uint8_t *buf, size_t len, const struct seeds *all, uint64_t *rnd)
{
	size_t at = len ? next_random(rnd) % len : 0;
	size_t width = (size_t)1 << next_random(rnd) % 4;
	const struct seed *other = &all->seed[next_random(rnd) % all->n];
	uint64_t v = interesting[next_random(rnd) % XL_ARRAY_SIZE(interesting)];
	size_t n;

	if (len < 8)
		return len;
	switch (next_random(rnd) % 6) {
	case 0:
		buf[at] ^= (uint8_t)(1 << next_random(rnd) % 8);
		return len;
	case 1:
		buf[at] = (uint8_t)next_random(rnd);
		return len;
	case 2:
		v = htole64(v);
		memcpy(buf + at, &v, width < len - at ? width : len - at);
		return len;
	case 3: /* a piece is lost */
		n = next_random(rnd) % 16 + 1;
		n = n < len - at ? n : len - at;
		memmove(buf + at, buf + at + n, len - at - n);
		return len - n;
	case 4: /* or copied, from the same place of another seed or from anywhere in this one */
		n = next_random(rnd) % 64;
		if (at + n <= len && at + n <= other->len)
			memcpy(buf + at, other->data + at, n);
		return len;
	default:
		n = next_random(rnd) % 16 + 1;
		if (len + n > INPUT_MAX || n > len)
			return len;
		memmove(buf + at + n, buf + at, len - at);
		memmove(buf + at, buf + next_random(rnd) % (len - n + 1), n);
		return len + n;
	}
}

/* A heap block of its very size, so that a sanitizer sees reads beyond it. */
static void run_one(const uint8_t *data, size_t len)
{
	_cleanup_free_ uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	if (len)
		memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
}

static unsigned mutate(const struct seeds *all)
{
	static uint8_t buf[INPUT_MAX];
	uint64_t rnd = 0x9e3779b97f4a7c15ULL;
	double end = now() + SECONDS;
	unsigned i;

	for (i = 0; i < MUTATIONS && now() < end; i++) {
		const struct seed *s = &all->seed[i % all->n];
		size_t len = s->len < sizeof(buf) ? s->len : sizeof(buf);

		if (len)
			memcpy(buf, s->data, len);
		for (uint64_t n = next_random(&rnd) % 8 + 1; n; n--)
			len = mutate_once(buf, len, all, &rnd);
		doing = s->name;
		doing_number = i + 1;
		run_one(buf, len);
	}
	return i;
}

static int run_files(char **path)
{
	static uint8_t buf[INPUT_MAX];

	for (; *path; path++) {
		_cleanup_fclose_ FILE *f = fopen(*path, "re");

		if (!f) {
			perror(*path);
			return 1;
		}
		run_one(buf, fread(buf, 1, sizeof(buf), f));
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir"), *name = basename(argv[0]);
	struct sigaction a = { .sa_handler = on_abort };
	struct seeds all;
	char path[4096];

	(void)sigaction(SIGABRT, &a, NULL);
	doing = "a file";
	if (argc > 1)
		return run_files(argv + 1);
	name += strncmp(name, "lt-", 3) == 0 ? 3 : 0; /* libtool's own name for what it wraps */
	(void)snprintf(path, sizeof(path), "%s/tests/fuzz/seeds/%s.seeds", top ? top : ".",
		       name + strlen("fuzz_"));
	if (seeds_load(path, &all) < 0 || all.n == 0)
		return 99;
	(void)printf("1..%zu\n", all.n + 1);
	for (size_t i = 0; i < all.n; i++) {
		double t0 = now();

		doing = all.seed[i].name;
		(void)fflush(stdout);
		run_one(all.seed[i].data, all.seed[i].len);
		(void)printf("ok - %s (%.3f s)\n", doing, now() - t0);
	}
	(void)fflush(stdout);
	(void)printf("ok - %u mutations\n", mutate(&all));
	seeds_deinit(&all);
	return 0;
}
