/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpd.conf: what is taken, and what is said of what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uuid.h>

#include "common/conf.h"

static int parse(const char *text, size_t len, struct xd_config *c, char *err, size_t size)
{
	struct xl_ctx x = { 0 };
	int r = xd_config_parse(&x, "f", text, len, c);

	(void)snprintf(err, size, "%s", x.err);
	return r;
}

static void good(const char *text, struct xd_config *c)
{
	char err[XL_ERR_MAX];

	if (parse(text, strlen(text), c, err, sizeof(err)) < 0)
		fail_msg("%s: %s", text, err);
}

static void bad(const char *text, const char *want)
{
	char err[XL_ERR_MAX];
	struct xd_config c;

	if (parse(text, strlen(text), &c, err, sizeof(err)) == 0)
		fail_msg("%s: taken", text);
	if (!strstr(err, want))
		fail_msg("%s: `%s', not `%s'", text, err, want);
}

static void test_defaults(void **state)
{
	struct xd_config c;

	(void)state;
	good("", &c);
	assert_true(c.set.crash && c.set.panic);
	assert_int_equal(c.set.format, XLDUMP_FORMAT_ELF);
	assert_int_equal(c.workers, 2);
	assert_string_equal(c.spool, "/var/lib/xldump/dumps");
	xd_config_deinit(&c);
}

static void test_syntax(void **state)
{
	struct xd_config c;

	(void)state;
	good("# a comment\n"
	     "workers=4 ; format = 'kdump'\t# another\r\n"
	     "\n;;\n"
	     "compress = \"zstd:3\"\n"
	     "domains = [ # of guests\n"
	     "  [ \"db*\", 'dump_level=31', ],\n"
	     "  [ \"5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a\", \"after_crash=destroy\" ]\n"
	     "]\n"
	     "keep_free_mib = 7", &c);
	assert_int_equal(c.workers, 4);
	assert_int_equal(c.set.format, XLDUMP_FORMAT_KDUMP);
	assert_int_equal(c.set.codec, XLDUMP_CODEC_ZSTD);
	assert_int_equal(c.set.level, 3);
	assert_int_equal(c.overrides, 2);
	assert_int_equal(c.keep_free, 7 << 20);
	xd_config_deinit(&c);
	good("spool = \"/a\\\"b\\\\c\\'\"", &c);
	assert_string_equal(c.spool, "/a\"b\\c'");
	xd_config_deinit(&c);
	good("spool = '/a\\'b\"'", &c);
	assert_string_equal(c.spool, "/a'b\"");
	xd_config_deinit(&c);
	good("domains = []", &c);
	xd_config_deinit(&c);
}

static void test_overrides(void **state)
{
	struct xldump_domain dom = { .name = "db1" };
	struct xd_settings s;
	struct xd_config c;

	(void)state;
	good("dump_level = 1\nformat = \"kdump\"\ncompress = \"lzo\"\n"
	     "domains = [ [ \"db*\", \"dump_level=8\" ], [ \"db1\", \"crash=0\" ],"
	     " [ \"5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a\", \"format=elf\" ] ]", &c);
	xd_config_for(&c, &dom, &s);
	assert_int_equal(s.dump_level, 8);
	assert_false(s.crash);
	assert_int_equal(s.codec, XLDUMP_CODEC_LZO);
	/* Its format cannot be compressed, whatever is said in general. */
	memset(dom.uuid, 0x5a, sizeof(dom.uuid));
	xd_config_for(&c, &dom, &s);
	assert_int_equal(s.format, XLDUMP_FORMAT_ELF);
	assert_null(xd_settings_conflict(&s));
	(void)snprintf(dom.name, sizeof(dom.name), "web");
	memset(dom.uuid, 0, sizeof(dom.uuid));
	xd_config_for(&c, &dom, &s);
	assert_int_equal(s.dump_level, 1);
	assert_true(s.crash);
	xd_config_deinit(&c);
}

static enum xldump_format format_for(const char *config)
{
	const struct xldump_domain dom = { .name = "db1" };
	struct xd_settings s;
	struct xd_config c;

	good(config, &c);
	xd_config_for(&c, &dom, &s);
	xd_config_deinit(&c);
	return s.format;
}

/* A format that is not set is the one that can do what is set. */
static void test_format_not_set(void **state)
{
	(void)state;
	assert_int_equal(format_for("dump_level = 31"), XLDUMP_FORMAT_KDUMP);
	assert_int_equal(format_for("compress = 'zstd'"), XLDUMP_FORMAT_KDUMP);
	assert_int_equal(format_for("compress = 'none'\ndump_level = 0"), XLDUMP_FORMAT_ELF);
	assert_int_equal(format_for("dump_level = 31\nformat = 'elf'"), XLDUMP_FORMAT_ELF);
	assert_int_equal(format_for("format = 'xencore'\ndump_level = 31"), XLDUMP_FORMAT_XENCORE);
	assert_int_equal(format_for("dump_level = 31\ndomains = [ [ 'db1', 'dump_level=0' ] ]"),
			 XLDUMP_FORMAT_ELF);
	assert_int_equal(format_for("domains = [ [ 'db1', 'dump_level=31' ] ]"), XLDUMP_FORMAT_KDUMP);
}

/* Each setting, through its name and its text, comes back as it was. */
static void test_round_trip(void **state)
{
	struct xd_settings a = XD_SETTINGS_DEFAULT, b = XD_SETTINGS_DEFAULT;
	const char *key, *why;
	char value[64];

	(void)state;
	a.crash = false;
	a.after = XD_AFTER_RESTART;
	a.format = XLDUMP_FORMAT_KDUMP;
	a.format_set = true;
	a.codec = XLDUMP_CODEC_ZLIB;
	a.level = 7;
	a.strategy = XLDUMP_STRATEGY_RESCAN;
	a.max_pause_ns = 1500000;
	a.throttle = true;
	a.dump_level = 31;
	a.min_interval = 5;
	for (size_t i = 0; (key = xd_settings_get(&a, i, value, sizeof(value))); i++)
		assert_int_equal(xd_settings_set(&b, key, value, &why), 0);
	assert_memory_equal(&a, &b, sizeof(a));
}

static void test_errors(void **state)
{
	(void)state;
	bad("worker = 2", "f:1: unknown setting `worker'");
	bad("\n\nworkers = 0", "f:3: workers must be a number from 1 to 64");
	bad("workers = \"many\"", "f:1: workers must be a number");
	bad("workers = [ 1 ]", "f:1: workers must be a number");
	bad("format = \"pdf\"", "f:1: format must be elf, xencore, xencore-raw or kdump, not `pdf'");
	bad("format = [ \"elf\" ]", "f:1: unknown setting format");
	bad("format = \"elf\"\ncompress = \"zstd\"", "this format cannot be compressed");
	bad("workers", "f:1: `workers' needs an =");
	bad("workers = ", "f:1: a value is");
	bad("workers = elf", "f:1: a value is");
	bad("= 2", "f:1: a setting must begin with its name");
	bad("workers = 2 3", "f:1: unexpected text after the value");
	bad("spool = \"dumps\"", "f:1: spool must be the absolute path");
	bad("spool = \"/a", "f:1: a text lacks its closing \"");
	bad("spool = '/a\n'", "f:1: a text lacks its closing '");
	bad("spool = \"/a\\b\"", "f:1: in a text, a backslash");
	bad("spool = \"/a\\\"", "f:1: a text lacks its closing \"");
	bad("workers += 2", "f:1: `workers' needs an =");
	bad("# one\ndomains = [\n [ \"a\" \"b\" ]\n]", "f:3: a list needs a comma");
	bad("domains = [ [ \"a\" ]", "a ] at its end");
	bad("domains = [ \"a\" ]", "f:1: each element of domains must be a list");
	bad("domains = [ [] ]", "f:1: each element of domains must be a list");
	bad("domains = \"a\"", "f:1: domains must be a list of lists");
	bad("domains = []\ndomains = []", "f:2: domains is set twice");
	bad("domains = [ [ \"a\", \"workers=2\" ] ]", "f:1: unknown setting `workers' for a guest");
	bad("domains = [\n[ \"a\",\n\"format=pdf\" ] ]", "f:3: format must be elf");
	bad("domains = [ [ \"a\", \"format\" ] ]", "written \"name=value\"");
	bad("domains = [ [ \"a\", [ [ [ \"b\" ] ] ] ] ]", "too many lists in lists");
}

/* Pieces of the grammar in any order: an error or not, but an end, and nothing that is not freed. */
static void test_any(void **state)
{
	static const char *const piece[] = {
		"workers", "domains", "format", "=", "[", "]", ",", "\"a\"", "'kdump'", "\"", "'", "#", "\n",
		";", "2", "0x", " ", "\"format=elf\"", "\xff", "\\", "\t", "[ [ \"a\", ", "crash",
	};
	unsigned seed = 1;

	(void)state;
	for (unsigned n = 0; n < 20000; n++) {
		char text[256] = "", err[XL_ERR_MAX];
		struct xd_config c;
		size_t len = 0;

		for (unsigned i = (unsigned)rand_r(&seed) % 24; i; i--) {
			const char *p = piece[(unsigned)rand_r(&seed) % XL_ARRAY_SIZE(piece)];

			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", p);
		}
		if (n % 16 == 0)
			text[len / 2] = '\0';
		if (parse(text, len, &c, err, sizeof(err)) == 0)
			xd_config_deinit(&c);
		else
			assert_true(err[0] == 'f' && err[1] == ':');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_format_not_set),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests_name("daemon config", tests, NULL, NULL);
}
