/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's log, by what VMCOREINFO says of its place and its layout: no debug symbols needed.
 *
 * Since 5.10 it is a ring of descriptors, one of struct printk_info beside it, and a ring of texts
 * (kernel/printk/printk_ringbuffer.h); from 3.5 to 5.9 a ring of records, each with a header of its
 * own (struct printk_log).  All of it is the guest's to write.
 */
#include "image/image_klog.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "guest/vmcoreinfo.h"

/* The kernel itself allows 2 GiB; what is asked for in practice is a few MiB. */
#define LOG_MAX ((uint64_t)256 << 20)

struct log {
	struct xl_ctx *x;
	const struct xl_image_vm *vm;
	xl_klog_fn fn;
	void *data;
	uint64_t broken;
	bool failed; /* a look-up did, and the chain is set */
};

static int bad(struct log *l, const char *what)
{
	return xl_fail(l->x, XLDUMP_CAUSE_OTHER, -EINVAL, "the kernel's log: %s", what);
}

/* "OFFSET(a.b)" and "SIZE(a)"; failures stick. */
static uint64_t number(struct log *l, const char *key)
{
	int64_t v;

	if (xl_vmcoreinfo_dec(l->vm->k.vmcoreinfo, key, &v) == 0 && v >= 0 && v < 1 << 20)
		return (uint64_t)v;
	if (!l->failed)
		(void)xl_fail(l->x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			      "the kernel's log: VMCOREINFO has no %s", key);
	l->failed = true;
	return 0;
}

static uint64_t get(struct log *l, uint64_t va, size_t size)
{
	uint8_t raw[8] = { 0 };

	if (xl_image_vm_read(l->vm, va, raw, size) == 0)
		return xl_get_le64(raw);
	if (!l->failed)
		(void)xl_fail(l->x, XLDUMP_CAUSE_OTHER, -EFAULT,
			      "the kernel's log: there is no memory at %#" PRIx64, va);
	l->failed = true;
	return 0;
}

static uint64_t symbol(struct log *l, const char *key)
{
	uint64_t va;

	if (xl_vmcoreinfo_hex(l->vm->k.vmcoreinfo, key, &va) == 0)
		return va;
	l->failed = true;
	(void)xl_fail(l->x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
		      "the kernel's log: VMCOREINFO has no %s", key);
	return 0;
}

static int load(struct log *l, uint64_t va, uint64_t size, uint8_t **ret)
{
	if (size == 0 || size > LOG_MAX)
		return bad(l, "its size is invalid");
	*ret = malloc(size);
	if (!*ret)
		return xl_err(l->x, -ENOMEM, "the kernel's log of %" PRIu64 " bytes", size);
	if (xl_image_vm_read(l->vm, va, *ret, size) < 0)
		return xl_fail(l->x, XLDUMP_CAUSE_OTHER, -EFAULT,
			       "the kernel's log: its memory at %#" PRIx64 " is not in the dump", va);
	return 0;
}

/* ---- 5.10 and later ---- */

/* State in the upper two bits of a descriptor's state_var, its id in the rest. */
#define ID_MASK (~(uint64_t)0 >> 2)
#define STATE_COMMITTED 1
#define STATE_FINALIZED 2

struct ring {
	uint64_t count, data_size; /* powers of two */
	uint64_t head, tail;
	uint64_t desc_size, state_var, begin, next;
	uint64_t info_size, ts, text_len;
	uint8_t *desc, *info, *text;
};

static void ring_deinit(struct ring *r)
{
	free(r->desc);
	free(r->info);
	free(r->text);
}

static uint64_t size_of_bits(struct log *l, uint64_t bits)
{
	if (bits >= 32 && !l->failed) {
		l->failed = true;
		(void)bad(l, "the size of a ring is invalid");
	}
	return bits < 32 ? (uint64_t)1 << bits : 0;
}

static void read_layout(struct log *l, struct ring *r)
{
	uint64_t lpos = number(l, "OFFSET(prb_desc.text_blk_lpos)");

	r->desc_size = number(l, "SIZE(prb_desc)");
	r->state_var = number(l, "OFFSET(prb_desc.state_var)");
	r->begin = lpos + number(l, "OFFSET(prb_data_blk_lpos.begin)");
	r->next = lpos + number(l, "OFFSET(prb_data_blk_lpos.next)");
	r->info_size = number(l, "SIZE(printk_info)");
	r->ts = number(l, "OFFSET(printk_info.ts_nsec)");
	r->text_len = number(l, "OFFSET(printk_info.text_len)");
	if (!l->failed && (r->desc_size < 24 || r->info_size < 16 ||
			   r->state_var > r->desc_size - 8 || r->begin > r->desc_size - 8 ||
			   r->next > r->desc_size - 8 || r->ts > r->info_size - 8 ||
			   r->text_len > r->info_size - 2)) {
		l->failed = true;
		(void)bad(l, "VMCOREINFO describes an impossible layout");
	}
}

static int read_ring(struct log *l, struct ring *r)
{
	uint64_t rb = get(l, symbol(l, "SYMBOL(prb)"), 8);
	uint64_t descs = rb + number(l, "OFFSET(printk_ringbuffer.desc_ring)");
	uint64_t texts = rb + number(l, "OFFSET(printk_ringbuffer.text_data_ring)");
	uint64_t desc_va, info_va, text_va;
	int ret;

	read_layout(l, r);
	if (l->failed)
		return -EINVAL;
	r->count = size_of_bits(l, get(l, descs + number(l, "OFFSET(prb_desc_ring.count_bits)"), 4));
	r->head = get(l, descs + number(l, "OFFSET(prb_desc_ring.head_id)"), 8) & ID_MASK;
	r->tail = get(l, descs + number(l, "OFFSET(prb_desc_ring.tail_id)"), 8) & ID_MASK;
	desc_va = get(l, descs + number(l, "OFFSET(prb_desc_ring.descs)"), 8);
	info_va = get(l, descs + number(l, "OFFSET(prb_desc_ring.infos)"), 8);
	r->data_size = size_of_bits(l,
				    get(l, texts + number(l, "OFFSET(prb_data_ring.size_bits)"), 4));
	text_va = get(l, texts + number(l, "OFFSET(prb_data_ring.data)"), 8);
	if (l->failed)
		return -EINVAL;
	ret = load(l, desc_va, r->count * r->desc_size, &r->desc);
	if (ret == 0)
		ret = load(l, info_va, r->count * r->info_size, &r->info);
	return ret < 0 ? ret : load(l, text_va, r->data_size, &r->text);
}

/* Where the text of a descriptor lies: a block begins with the descriptor's id, 8 bytes.  One that
 * would cross the end of the ring lies at its start.  Odd positions: there is no text. */
static bool find_text(const struct ring *r, const uint8_t *desc, uint64_t *ret_at,
		      uint64_t *ret_len)
{
	uint64_t begin = xl_get_le64(desc + r->begin), next = xl_get_le64(desc + r->next);
	uint64_t at = begin & (r->data_size - 1), end = next & (r->data_size - 1);

	*ret_len = 0;
	if ((begin & 1) && (next & 1))
		return true;
	if (begin / r->data_size == next / r->data_size && begin < next)
		end = at + (next - begin);
	else if (begin / r->data_size + 1 == next / r->data_size && end == 0)
		end = r->data_size;
	else if (begin / r->data_size + 1 == next / r->data_size)
		at = 0;
	else
		return false;
	if ((at & 7) || end > r->data_size || end < at + 8)
		return false;
	*ret_at = at + 8;
	*ret_len = end - at - 8;
	return true;
}

static void take_record(struct log *l, const struct ring *r, uint64_t id)
{
	const uint8_t *desc = r->desc + (id & (r->count - 1)) * r->desc_size;
	const uint8_t *info = r->info + (id & (r->count - 1)) * r->info_size;
	uint64_t state = xl_get_le64(desc + r->state_var), at = 0, room, len;

	if ((state & ID_MASK) != id ||
	    (state >> 62 != STATE_COMMITTED && state >> 62 != STATE_FINALIZED))
		return; /* being written, or given back */
	if (!find_text(r, desc, &at, &room)) {
		l->broken++;
		return;
	}
	len = xl_get_le16(info + r->text_len);
	l->fn(l->data, xl_get_le64(info + r->ts), (const char *)r->text + at,
	      len < room ? len : room);
}

static int new_log(struct log *l)
{
	_cleanup_(ring_deinit) struct ring r = { 0 };
	int ret = read_ring(l, &r);

	if (ret < 0)
		return ret;
	for (uint64_t n = 0, id = r.tail; n < r.count; n++, id = (id + 1) & ID_MASK) {
		take_record(l, &r, id);
		if (id == r.head)
			break;
	}
	return 0;
}

/* ---- 3.5 to 5.9 ---- */

/* The structure was called `log` before 3.11. */
static uint64_t member(struct log *l, const char *name)
{
	char key[64];
	int64_t v;

	(void)snprintf(key, sizeof(key), "OFFSET(log.%s)", name);
	if (xl_vmcoreinfo_dec(l->vm->k.vmcoreinfo, key, &v) < 0)
		(void)snprintf(key, sizeof(key), "OFFSET(printk_log.%s)", name);
	return number(l, key);
}

static int old_log(struct log *l)
{
	_cleanup_free_ uint8_t *buf = NULL;
	uint64_t va = get(l, symbol(l, "SYMBOL(log_buf)"), 8);
	uint64_t size = get(l, symbol(l, "SYMBOL(log_buf_len)"), 4);
	uint64_t at = get(l, symbol(l, "SYMBOL(log_first_idx)"), 4);
	uint64_t end = get(l, symbol(l, "SYMBOL(log_next_idx)"), 4);
	uint64_t ts = member(l, "ts_nsec"), len_at = member(l, "len"), head;
	uint64_t text_len_at = member(l, "text_len");
	bool wrapped = false;
	int64_t v;
	int r;

	head = xl_vmcoreinfo_dec(l->vm->k.vmcoreinfo, "SIZE(log)", &v) == 0 ?
	       number(l, "SIZE(log)") : number(l, "SIZE(printk_log)");
	if (l->failed)
		return -EINVAL;
	if (head < 16 || ts > head - 8 || len_at > head - 2 || text_len_at > head - 2)
		return bad(l, "VMCOREINFO describes an impossible layout");
	r = load(l, va, size, &buf);
	if (r < 0)
		return r;
	while (at != end) {
		uint64_t len, text;

		/* A header without a length: the next record is at the start. */
		len = at <= size && size - at >= head ? xl_get_le16(buf + at + len_at) : 0;
		if (len == 0) {
			if (wrapped)
				return bad(l, "it has no end");
			wrapped = true;
			at = 0;
			continue;
		}
		text = xl_get_le16(buf + at + text_len_at);
		if (len < head || len > size - at || text > len - head)
			return bad(l, "a record does not fit");
		l->fn(l->data, xl_get_le64(buf + at + ts), (const char *)buf + at + head, text);
		at += len;
	}
	return 0;
}

int xl_image_klog(struct xl_ctx *x, const struct xl_image_vm *vm, xl_klog_fn fn, void *data,
		  uint64_t *ret_broken)
{
	struct log l = { .x = x, .vm = vm, .fn = fn, .data = data };
	uint64_t va;
	int r;

	if (xl_vmcoreinfo_hex(vm->k.vmcoreinfo, "SYMBOL(prb)", &va) == 0)
		r = new_log(&l);
	else if (xl_vmcoreinfo_hex(vm->k.vmcoreinfo, "SYMBOL(log_first_idx)", &va) == 0)
		r = old_log(&l);
	else
		r = xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			    "VMCOREINFO of this kernel (%s) does not say where its log is, as in "
			    "all kernels before Linux 3.5", vm->k.release);
	*ret_broken = l.broken;
	return r;
}
