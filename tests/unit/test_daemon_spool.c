/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of dumps, the folder of the dumps, the queue on disk, and requests. */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/json.h"
#include "queue.h"
#include "common/request.h"
#include "common/spool.h"

static char dir[PATH_MAX];

static int make_dir(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "%s/xldump-spool.XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char command[PATH_MAX + 16];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

static void escaped(const char *name, const char *want)
{
	char got[65];

	xd_spool_escape(name, got);
	assert_string_equal(got, want);
}

static void test_escape(void **state)
{
	char name[300], got[65];

	(void)state;
	escaped("web01", "web01");
	escaped("Web_0-1.example", "Web_0-1.example");
	escaped("", "unnamed");
	escaped(".", "%2E");
	escaped("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd");
	escaped("-rf", "-rf"); /* it is never alone: a date follows, and a folder goes before */
	escaped("a b\n\x1b[2J%", "a%20b%0A%1B%5B2J%25");
	escaped("\xc3\xbc", "%C3%BC");
	/* Never cut within an escape, never longer than a name can be. */
	for (size_t len = 1; len < sizeof(name); len++) {
		memset(name, '/', len);
		name[len] = '\0';
		xd_spool_escape(name, got);
		assert_int_equal(strlen(got) % 3, 0);
		memset(name, 'x', len);
		xd_spool_escape(name, got);
		assert_int_equal(strlen(got), len < 64 ? len : 64);
	}
}

static void test_names(void **state)
{
	struct xd_job job = XD_JOB_INIT;
	struct xl_ctx x = { 0 };
	char first[NAME_MAX + 1], name[NAME_MAX + 1];
	int fd;

	assert_int_equal(make_dir(state), 0);
	(void)snprintf(job.dom.name, sizeof(job.dom.name), "../x");
	job.seq = 12;
	assert_int_equal(xd_spool_open(&x, dir, &fd), 0);
	assert_int_equal(xd_spool_name(&x, fd, &job, first, sizeof(first)), 0);
	assert_non_null(strstr(first, "-000012.elf"));
	assert_null(strchr(first, '/'));
	/* One that is there, whatever it is, is not given again. */
	for (int i = 0; i < 5; i++) {
		assert_int_equal(xd_spool_name(&x, fd, &job, name, sizeof(name)), 0);
		assert_int_equal(symlinkat("/nowhere", fd, name), 0);
	}
	(void)close(fd);
	assert_int_equal(remove_dir(state), 0);
}

static void test_modes(void **state)
{
	struct xl_ctx x = { 0 };
	int fd;

	assert_int_equal(make_dir(state), 0);
	assert_int_equal(chmod(dir, 0750), 0);
	assert_int_equal(xd_spool_open(&x, dir, &fd), -EPERM);
	assert_non_null(strstr(x.err, "0700"));
	assert_int_equal(remove_dir(state), 0);
}

static struct xd_job some_job(const char *id, uint32_t domid)
{
	struct xd_job job = XD_JOB_INIT;

	job.set = (struct xd_settings)XD_SETTINGS_DEFAULT;
	(void)snprintf(job.id, sizeof(job.id), "%s", id);
	(void)snprintf(job.dom.name, sizeof(job.dom.name), "w\xff\"\n");
	job.dom.domid = domid;
	job.dom.memory = 4096;
	return job;
}

static void test_queue(void **state)
{
	static const char *const id[] = { "z", "m", "a" };
	struct xl_ctx x = { 0 };
	struct xd_queue q;
	struct xd_job *job;

	assert_int_equal(make_dir(state), 0);
	assert_int_equal(xd_queue_open(&x, dir, &q), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct xd_job j = some_job(id[i], i + 1);

		assert_int_equal(xd_queue_add(&x, &q, &j, &job), 0);
		assert_int_equal(job->seq, i + 1);
		assert_int_equal(xd_queue_add(&x, &q, &j, &job), -EEXIST);
		xl_err_clear(&x);
	}
	xd_queue_close(&q);
	/* In the order of their coming, whatever they are called. */
	assert_int_equal(xd_queue_open(&x, dir, &q), 0);
	assert_int_equal(q.n, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(q.job[i]->id, id[i]);
	assert_ptr_equal(xd_queue_find(&q, &q.job[1]->dom, false), q.job[1]);
	assert_null(xd_queue_find(&q, &q.job[1]->dom, true));
	while (q.n)
		xd_queue_remove(&q, q.job[0]);
	xd_queue_close(&q);
	/* No number is given twice. */
	assert_int_equal(xd_queue_open(&x, dir, &q), 0);
	assert_int_equal(q.n, 0);
	{
		struct xd_job j = some_job("b", 1);

		assert_int_equal(xd_queue_add(&x, &q, &j, &job), 0);
		assert_int_equal(job->seq, 4);
	}
	xd_queue_close(&q);
	assert_int_equal(remove_dir(state), 0);
}

/* Of each domain a request and a crash; what is more is set aside. */
static void test_queue_of_one_domain(void **state)
{
	struct xl_ctx x = { 0 };
	struct xd_queue q;
	struct xd_job *job;

	assert_int_equal(make_dir(state), 0);
	assert_int_equal(xd_queue_open(&x, dir, &q), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct xd_job j = some_job((const char[2]){ (char)('a' + (int)i), '\0' }, 7);

		j.trigger = i % 2 ? XD_TRIGGER_PANIC : XD_TRIGGER_TIMER;
		assert_int_equal(xd_queue_add(&x, &q, &j, &job), 0);
	}
	xd_queue_close(&q);
	assert_int_equal(xd_queue_open(&x, dir, &q), 0);
	assert_int_equal(q.n, 2);
	assert_int_equal(xd_queue_find(&q, &q.job[0]->dom, true)->trigger, XD_TRIGGER_PANIC);
	assert_int_equal(xd_queue_find(&q, &q.job[0]->dom, false)->trigger, XD_TRIGGER_TIMER);
	xd_queue_close(&q);
	assert_int_equal(remove_dir(state), 0);
}

/* ---- requests ---- */

static void test_ids(void **state)
{
	static const char *const bad[] = { "", ".", "..", "-x", "_x", "a/b", "a b", "a\n", "\xc3\xbc",
					   "0123456789012345678901234567890123456789012345678" };

	(void)state;
	for (size_t i = 0; i < XL_ARRAY_SIZE(bad); i++)
		assert_false(xd_job_id_ok(bad[i]));
	assert_true(xd_job_id_ok("crash-3-17"));
	assert_true(xd_job_id_ok("012345678901234567890123456789012345678901234567"));
}

/* Any values at any nodes: a request that makes sense, or a refusal with printable words. */
static void test_any_request(void **state)
{
	static const char *const node[] = { "domain", "format", "compress", "strategy", "dump-level",
					    "max-pause", "on-overrun", "trigger", "cancel", "state",
					    "file", "", "\x1b[2J", "domain " };
	static const char *const value[] = { "", "web01", "elf", "kdump", "zstd", "zstd:3", "auto", "31",
					     "32", "-1", "50ms", "nan", "fail", "extend", "timer",
					     "crash", "\xff\x01", "%n%s", "0", "1e309", "0x10" };
	static const struct xd_settings defaults = XD_SETTINGS_DEFAULT;
	unsigned seed = 1, taken = 0;

	(void)state;
	for (unsigned n = 0; n < 50000; n++) {
		struct xd_raw raw[6];
		struct xd_request q, before;
		char error[128];
		size_t nodes = (unsigned)rand_r(&seed) % 7;
		enum xd_refusal r;

		memset(&before, 0xa5, sizeof(before));
		q = before;
		for (size_t i = 0; i < nodes; i++) {
			raw[i].node = node[(unsigned)rand_r(&seed) % XL_ARRAY_SIZE(node)];
			raw[i].value = value[(unsigned)rand_r(&seed) % XL_ARRAY_SIZE(value)];
		}
		r = xd_request_parse(raw, nodes, &defaults, &q, error, sizeof(error));
		if (r == XD_OK) {
			taken++;
			assert_true(q.domain[0]);
			assert_null(xd_settings_conflict(&q.set));
			assert_true(q.set.dump_level <= XLDUMP_LEVEL_MAX);
			assert_true(q.trigger == XD_TRIGGER_REQUEST || q.trigger == XD_TRIGGER_TIMER);
			continue;
		}
		assert_memory_equal(&q, &before, sizeof(q));
		assert_true(r == XD_REFUSED_INCOMPLETE || (r == XD_REFUSED_BAD_VALUE && error[0]));
	}
	assert_true(taken > 100);
}

/* A job of the queue with any one of its members of another kind. */
static void test_any_job(void **state)
{
	struct xd_job job = some_job("a", 7), back;
	struct json_object *o = xd_job_to_json(&job);
	struct xl_ctx x = { 0 };

	(void)state;
	assert_int_equal(xd_job_from_json(&x, o, &back), 0);
	assert_string_equal(back.dom.name, job.dom.name);
	json_object_object_foreach(o, key, unused)
	{
		static const char *const text[] = { "null", "[]", "{}", "-1", "1e99", "\"\"", "true",
						    "\"\\u0000\"", "99999999999999999999999",
						    "\"../../../../etc/passwd\"" };

		(void)unused;
		for (size_t i = 0; i < XL_ARRAY_SIZE(text); i++) {
			struct json_object *copy = NULL;

			assert_int_equal(json_object_deep_copy(o, &copy, NULL), 0);
			xl_json_put(copy, key, json_tokener_parse(text[i]));
			back = job;
			if (xd_job_from_json(&x, copy, &back) == 0) {
				assert_true(xd_job_id_ok(back.id));
				assert_true(back.dom.domid > 0 && back.dom.domid <= UINT16_MAX);
			} else {
				assert_true(x.err[0]);
			}
			xl_err_clear(&x);
			(void)json_object_put(copy);
		}
	}
	(void)json_object_put(o);
	assert_int_equal(xd_job_from_json(&x, NULL, &back), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_queue_of_one_domain),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_any_request),
		cmocka_unit_test(test_any_job),
	};

	return cmocka_run_group_tests_name("daemon spool", tests, NULL, NULL);
}
