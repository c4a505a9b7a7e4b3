/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which backend is loaded, by what /sys/hypervisor says; and the errors in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "hv/backend.h"

/* A folder like /sys/hypervisor, and one of backends. */
struct box {
	char top[64], modules[80];
	int sys;
};

static void write_at(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static void box_open(struct box *b, const char *major, const char *minor)
{
	char path[96];

	*b = (struct box){ .top = "/tmp/test_backend.XXXXXX" };
	assert_non_null(mkdtemp(b->top));
	(void)snprintf(b->modules, sizeof(b->modules), "%s/modules", b->top);
	assert_int_equal(mkdir(b->modules, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/sys", b->top);
	assert_int_equal(mkdir(path, 0755), 0);
	b->sys = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(b->sys >= 0);
	assert_int_equal(mkdirat(b->sys, "version", 0755), 0);
	write_at(b->sys, "type", "xen\n");
	write_at(b->sys, "version/major", major);
	write_at(b->sys, "version/minor", minor);
}

static void box_close(struct box *b)
{
	char command[96];

	(void)close(b->sys);
	(void)snprintf(command, sizeof(command), "rm -r %s", b->top);
	assert_int_equal(system(command), 0);
}

/* Install a module of the build under a name. */
static void install(const struct box *b, const char *module, const char *name)
{
	const char *build = getenv("top_builddir");
	char from[4096], cwd[2048], to[128];

	assert_non_null(getcwd(cwd, sizeof(cwd)));
	(void)snprintf(from, sizeof(from), "%s/%s/.libs/%s.so", cwd, build ? build : ".", module);
	(void)snprintf(to, sizeof(to), "%s/%s", b->modules, name);
	assert_int_equal(access(from, R_OK), 0);
	assert_int_equal(symlink(from, to), 0);
}

static void assert_refused(const struct box *b, int sys, enum xldump_cause cause, const char *words)
{
	struct xl_ctx x = { 0 };
	struct xl_backend backend;

	assert_true(xl_backend_load(&x, b->modules, sys, &backend) < 0);
	assert_null(backend.module);
	assert_int_equal(x.cause, cause);
	if (!strstr(x.err, words))
		fail_msg("`%s' is not in: %s", words, x.err);
}

/* Of two that are there, that of the Xen that runs. */
static void test_chosen(void **state)
{
	struct xl_ctx x = { 0 };
	struct xl_backend backend;
	enum xl_hv_xen_step step;
	struct xl_hv *hv;
	struct box b;

	(void)state;
	box_open(&b, "99\n", "1\n");
	install(&b, "backend_good", "hv_xen-99.1.so");
	install(&b, "backend_none", "hv_xen-99.2.so");
	assert_int_equal(xl_backend_load(&x, b.modules, b.sys, &backend), 0);
	assert_string_equal(backend.xen, "99.1");
	assert_int_equal(backend.open(&hv, &step), -EHWPOISON);
	xl_backend_unload(&backend);
	assert_null(backend.module);
	box_close(&b);
}

static void test_not_there(void **state)
{
	struct box b;

	(void)state;
	box_open(&b, "4\n", "19\n");
	assert_refused(&b, b.sys, XLDUMP_CAUSE_VERSION, "there is no other");
	install(&b, "backend_good", "hv_xen-4.20.so");
	install(&b, "backend_good", "hv_xen-4.9.so");
	install(&b, "backend_good", "hv_xen.so");
	assert_refused(&b, b.sys, XLDUMP_CAUSE_VERSION, "this host runs Xen 4.19");
	assert_refused(&b, b.sys, XLDUMP_CAUSE_VERSION, "/modules/hv_xen-4.19.so is not there");
	assert_refused(&b, b.sys, XLDUMP_CAUSE_VERSION, "(there are those of Xen 4.9, 4.20)");
	assert_refused(&b, b.sys, XLDUMP_CAUSE_VERSION, "the package xldump-hv-4.19");
	box_close(&b);
}

/* The name is no proof. */
static void test_not_ours(void **state)
{
	struct box b;

	(void)state;
	box_open(&b, "99\n", "2\n");
	install(&b, "backend_good", "hv_xen-99.2.so");
	assert_refused(&b, b.sys, XLDUMP_CAUSE_VERSION, "was built for Xen 99.1");
	install(&b, "backend_old", "hv_xen-99.3.so");
	write_at(b.sys, "version/minor", "3\n");
	assert_refused(&b, b.sys, XLDUMP_CAUSE_VERSION, "is of xldump 0.0.9");
	install(&b, "backend_none", "hv_xen-99.4.so");
	write_at(b.sys, "version/minor", "4\n");
	assert_refused(&b, b.sys, XLDUMP_CAUSE_VERSION, "is not a backend");
	box_close(&b);
}

/* What the loader says is in the error, and which package has what it misses. */
static void test_does_not_load(void **state)
{
	char path[128];
	struct box b;
	int fd;

	(void)state;
	box_open(&b, "99\n", "5\n");
	(void)snprintf(path, sizeof(path), "%s/hv_xen-99.5.so", b.modules);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_refused(&b, b.sys, XLDUMP_CAUSE_VERSION, "hv_xen-99.5.so: file too short");
	assert_refused(&b, b.sys, XLDUMP_CAUSE_VERSION, "the package libxenmisc99.5");
	box_close(&b);
}

static void test_no_xen(void **state)
{
	struct box b;

	(void)state;
	box_open(&b, "99\n", "1\n");
	install(&b, "backend_good", "hv_xen-99.1.so");
	assert_refused(&b, -1, XLDUMP_CAUSE_NO_XEN, "does not run under Xen");
	/* Other hypervisors have that folder as well. */
	write_at(b.sys, "type", "z/VM\n");
	assert_refused(&b, b.sys, XLDUMP_CAUSE_NO_XEN, "does not run under Xen");
	write_at(b.sys, "type", "xen\n");
	write_at(b.sys, "version/minor", "\n");
	assert_refused(&b, b.sys, XLDUMP_CAUSE_NO_XEN, "does not run under Xen");
	box_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_does_not_load),
		cmocka_unit_test(test_no_xen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
