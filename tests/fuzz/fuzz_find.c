/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a user names a domain by, and what xenstore says it is called.
 *
 *	b:domid, 16 bytes of uuid, the name, 00, then what the user typed
 */
#include "fuzz_hv.h"
#include "handle.h"

/* A string of the input, up to its end or a NUL. */
static void take_text(struct fuzz_in *in, char *ret, size_t size)
{
	size_t n = 0;

	while (in->left) {
		char c = (char)fuzz_u8(in);

		if (!c)
			break;
		if (n + 1 < size)
			ret[n++] = c;
	}
	ret[n] = '\0';
}

static void check_found(const struct fuzz_hv *f, const struct xldump_domain *d)
{
	size_t len = strnlen(d->name, sizeof(d->name));

	FUZZ_CHECK(d->domid == f->dom.domid && d->domid != 0);
	FUZZ_CHECK(memcmp(d->uuid, f->dom.uuid, sizeof(d->uuid)) == 0);
	FUZZ_CHECK(len < sizeof(d->name));
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK((unsigned char)d->name[i] >= ' ' && d->name[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct xldump_domain found = { .sz = sizeof(found) };
	enum xldump_strategy strategy = XLDUMP_STRATEGY_AUTO;
	enum xldump_format format = XLDUMP_FORMAT_ELF;
	char name[1024], spec[1024];
	struct xldump xl = { 0 };
	struct fuzz_hv f;

	fuzz_hv_init(&f);
	f.dom.domid = fuzz_u8(&in);
	fuzz_bytes(&in, f.dom.uuid, sizeof(f.dom.uuid));
	take_text(&in, name, sizeof(name));
	take_text(&in, spec, sizeof(spec));
	f.name = name;
	xl.hv = &f.hv;
	if (xldump_domain_find(&xl, spec, &found) == 0)
		check_found(&f, &found);
	else
		FUZZ_CHECK(xldump_error(&xl)[0] && memchr(xldump_error(&xl), '\0', XL_ERR_MAX));
	if (xldump_strategy_parse(spec, &strategy) == 0)
		FUZZ_CHECK(!strcmp(xldump_strategy_name(strategy), spec));
	if (xldump_format_parse(spec, &format) == 0)
		FUZZ_CHECK(!strcmp(xldump_format_name(format), spec));
	fuzz_hv_deinit(&f);
	return 0;
}
