/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is behind the pages of a kdump file: all that an ELF file of ours has in sections.  Readers do
 * not look there. */
#include "format/kdump_records.h"

#include "base/bytes.h"
#include "format/digest_format.h"
#include "format/kdump_format.h"
#include "format/notes.h"
#include "format/notes_format.h"
#include "format/records.h"

static bool has_shared_info(const struct xl_kdump_records *r)
{
	return r->cut->has_shared_info;
}

static bool has_p2m(const struct xl_kdump_records *r)
{
	return r->cut->p2m;
}

static bool has_tables(const struct xl_kdump_records *r)
{
	return r->cut->tables;
}

static bool has_edits(const struct xl_kdump_records *r)
{
	return r->cut->edits.n;
}

static int put_xen_notes(struct xl_kdump_records *r, struct xl_out *o)
{
	xl_out_bytes(o, r->xen_notes.data, r->xen_notes.len);
	return 0;
}

static int put_contexts(struct xl_kdump_records *r, struct xl_out *o)
{
	xl_out_bytes(o, r->contexts.data, r->contexts.len);
	return 0;
}

static int put_shared_info(struct xl_kdump_records *r, struct xl_out *o)
{
	xl_out_bytes(o, r->cut->shared_info, XL_PAGE_SIZE);
	return 0;
}

static int put_p2m(struct xl_kdump_records *r, struct xl_out *o)
{
	xl_records_p2m(o, r->cut);
	return 0;
}

static int put_tables(struct xl_kdump_records *r, struct xl_out *o)
{
	xl_records_tables(o, r->cut);
	return 0;
}

static int put_edits(struct xl_kdump_records *r, struct xl_out *o)
{
	return xl_records_edits(o, r->cut);
}

static int put_digests(struct xl_kdump_records *r, struct xl_out *o)
{
	xl_records_digests(o, &r->cut->present, r->f->digest, &r->pages, r->meta);
	return 0;
}

static const struct {
	const char *name;
	bool (*wanted)(const struct xl_kdump_records *r); /* NULL: always */
	int (*put)(struct xl_kdump_records *r, struct xl_out *o);
} kinds[XL_KDUMP_RECORDS] = {
	{ ".note.Xen", NULL, put_xen_notes },
	{ ".xen_prstatus", NULL, put_contexts },
	{ ".xen_shared_info", has_shared_info, put_shared_info },
	{ ".xldump_p2m", has_p2m, put_p2m },
	{ ".xldump_tables", has_tables, put_tables },
	{ ".xldump_edits", has_edits, put_edits },
	{ DIGEST_SECTION, NULL, put_digests },
};

uint64_t xl_kdump_records_note_max(void)
{
	return NOTE_HEAD_SIZE + sizeof("XLDUMP") + 1 + KDUMP_RECORDS_HEAD +
	       XL_KDUMP_RECORDS * KDUMP_RECORD_SIZE;
}

int xl_kdump_records_write(struct xl_kdump_records *r, struct xl_out *o)
{
	(void)xl_out_seek(o, r->pages.data + r->pages.data_size);
	for (size_t i = 0; i < XL_KDUMP_RECORDS; i++) {
		int ret;

		r->size[i] = 0;
		if (kinds[i].wanted && !kinds[i].wanted(r))
			continue;
		xl_out_bytes(o, (const uint8_t[8]){ 0 }, -xl_out_tell(o) & 7);
		r->offset[i] = xl_out_tell(o);
		ret = kinds[i].put(r, o);
		if (ret < 0)
			return ret;
		r->size[i] = xl_out_tell(o) - r->offset[i];
	}
	r->end = xl_out_tell(o);
	return xl_out_flush(o);
}

int xl_kdump_records_init(struct xl_kdump_records *r, const struct xl_kdump *f,
			  const struct xl_cut *cut)
{
	r->f = f;
	r->cut = cut;
	r->pages.data = f->start;
	r->pages.data_size = xl_store_end(&f->store) - f->start;
	xl_notes_xen(&r->xen_notes, cut, xl_bitmap_count(&cut->present));
	xl_notes_contexts(&r->contexts, cut);
	return r->xen_notes.failed || r->contexts.failed ? -ENOMEM : 0;
}

size_t xl_kdump_records_note(const struct xl_kdump_records *r, struct xl_blob *b)
{
	uint8_t desc[KDUMP_RECORDS_HEAD + XL_KDUMP_RECORDS * KDUMP_RECORD_SIZE] = { 0 };
	uint8_t *p = desc + KDUMP_RECORDS_HEAD;

	for (size_t i = 0; i < XL_KDUMP_RECORDS; i++) {
		if (!r->size[i])
			continue;
		memcpy(p, kinds[i].name, strlen(kinds[i].name));
		xl_put_le64(p + KDUMP_RECORD_OFFSET, r->offset[i]);
		xl_put_le64(p + KDUMP_RECORD_BYTES, r->size[i]);
		p += KDUMP_RECORD_SIZE;
	}
	(void)xl_blob_note(b, "XLDUMP", KDUMP_RECORDS_NOTE_TYPE, desc, (size_t)(p - desc));
	return b->len - (size_t)(p - desc);
}

void xl_kdump_records_deinit(struct xl_kdump_records *r)
{
	xl_blob_deinit(&r->xen_notes);
	xl_blob_deinit(&r->contexts);
}
