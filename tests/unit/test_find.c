/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a domain may be called by: number, uuid, name; in this order, and each falls back to the next. */
#include <errno.h>

#include "handle.h"
#include "sim_test.h"

static struct xl_hv_ops ops;
static const char *called;

static int named(struct xl_hv *hv, uint32_t domid, char *ret, size_t size)
{
	(void)hv;
	(void)domid;
	(void)snprintf(ret, size, "%s", called);
	return 0;
}

/* The result for a domain of this name. */
static int find(const char *name, const char *spec)
{
	const struct sim_params p = { .seed = 1, .type = XLDUMP_GUEST_PVH, .pages = 250,
				      .compact = true };
	_cleanup_(sim_destroyp) struct sim *s = new_sim(&p);
	struct xldump_domain found = { .sz = sizeof(found) };
	struct xldump xl = { .hv = &s->hv };
	int r;

	ops = *s->hv.ops;
	ops.domain_name = named;
	s->hv.ops = &ops;
	called = name;
	r = xldump_domain_find(&xl, spec, &found);
	if (r == 0)
		assert_int_equal(found.domid, SIM_DOMID);
	else
		assert_int_equal(xldump_error_cause(&xl), XLDUMP_CAUSE_NO_DOMAIN);
	return r;
}

static void test_number(void **state)
{
	(void)state;
	assert_int_equal(find("guest", "7"), 0);
	assert_int_equal(find("guest", "8"), -ESRCH);
	assert_int_equal(find("guest", "99999999999999999999"), -ESRCH);
}

/* It is called so, and there is no such number. */
static void test_name_of_digits(void **state)
{
	(void)state;
	assert_int_equal(find("2024", "2024"), 0);
	assert_int_equal(find("99999999999999999999", "99999999999999999999"), 0);
	assert_int_equal(find("2024", "2025"), -ESRCH);
	/* The number comes first. */
	assert_int_equal(find("8", "7"), 0);
}

static void test_uuid(void **state)
{
	(void)state;
	assert_int_equal(find("guest", "5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a"), 0);
	assert_int_equal(find("guest", "5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5b"), -ESRCH);
	assert_int_equal(find("5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5b",
			      "5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5b"), 0);
}

static void test_name(void **state)
{
	(void)state;
	assert_int_equal(find("guest", "guest"), 0);
	assert_int_equal(find("guest", "gues"), -ESRCH);
	assert_int_equal(find("guest", ""), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_name_of_digits),
		cmocka_unit_test(test_uuid),
		cmocka_unit_test(test_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
