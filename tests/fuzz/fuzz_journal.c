/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An undo journal as it is found, in whatever state, and what is done by it.
 *
 *	b:what is put right afterwards (1 magic, 2 checksum, 4 complements, 8 boot id, 16 folder of
 *	the partial file, 32 name of the journal) b:guest (1 paused, 2 logging, 4 device model logging)
 *	d:domid uuid[16] d:pid d:serial d:owed q:cap q:dev q:ino w:bytes that the file lacks
 *	b:length and boot id, folder, partial file, name of the journal, each
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fuzz_hv.h"
#include "hv/recover.h"
#include "hv/undo_private.h"

#define DOMID 1

static char root[64], journals[80], dumps[80];

/* Whatever the journal says, these stay. */
static const char *const keep[] = { "dump.elf", ".hidden", "x.partial-y" };

static void touch(const char *folder, const char *name, const void *data, size_t len)
{
	char path[512];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%.255s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	(void)close(fd);
}

/* The number of files, all of which go. */
static unsigned empty(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	unsigned n = 0;

	FUZZ_CHECK(d);
	while ((e = readdir(d))) {
		if (unlinkat(dirfd(d), e->d_name, 0) == 0)
			n++;
	}
	(void)closedir(d);
	return n;
}

static void remove_folders(void)
{
	(void)empty(journals);
	(void)empty(dumps);
	(void)rmdir(journals);
	(void)rmdir(dumps);
	(void)rmdir(root);
}

static void make_folders(void)
{
	if (root[0])
		return;
	(void)snprintf(root, sizeof(root), "/tmp/fuzz_journal.XXXXXX");
	FUZZ_CHECK(mkdtemp(root));
	(void)snprintf(journals, sizeof(journals), "%s/undo", root);
	(void)snprintf(dumps, sizeof(dumps), "%s/dumps", root);
	FUZZ_CHECK(mkdir(journals, 0700) == 0 && mkdir(dumps, 0700) == 0);
	FUZZ_CHECK(atexit(remove_folders) == 0);
}

static void take_text(struct fuzz_in *in, char *ret, size_t size)
{
	size_t n = fuzz_u8(in);

	fuzz_bytes(in, ret, n < size ? n : size);
}

static void put_right(struct xl_undo_record *rec, uint8_t what)
{
	struct stat st;

	if (what & 1)
		memcpy(rec->magic, XL_UNDO_MAGIC, sizeof(rec->magic));
	if (what & 8)
		xl_undo_boot_id(rec->boot);
	if (what & 4) {
		atomic_store(&rec->owed, xl_undo_pack(atomic_load(&rec->owed)));
		rec->cap = xl_undo_pack_cap((uint32_t)rec->cap);
	}
	if (what & 16) {
		FUZZ_CHECK(stat(dumps, &st) == 0);
		(void)snprintf(rec->partial_dir, sizeof(rec->partial_dir), "%s", dumps);
		rec->partial_dev = st.st_dev;
		rec->partial_ino = st.st_ino;
	}
	if (what & 2)
		rec->check = xl_undo_checksum(rec);
}

/* The file; its record is what will be read. */
static void make_journal(struct fuzz_in *in, uint8_t what, struct xl_undo_record *rec,
			 char name[256])
{
	size_t lacks;

	rec->domid = fuzz_u32(in);
	fuzz_bytes(in, rec->uuid, sizeof(rec->uuid));
	rec->pid = fuzz_u32(in);
	rec->serial = fuzz_u32(in);
	atomic_init(&rec->owed, fuzz_u32(in));
	rec->cap = fuzz_u64(in);
	rec->partial_dev = fuzz_u64(in);
	rec->partial_ino = fuzz_u64(in);
	lacks = fuzz_u16(in) % sizeof(*rec);
	take_text(in, rec->boot, sizeof(rec->boot));
	take_text(in, rec->partial_dir, sizeof(rec->partial_dir));
	take_text(in, rec->partial, sizeof(rec->partial));
	take_text(in, name, 255);
	put_right(rec, what);
	if (what & 32)
		xl_undo_name(rec, name);
	if (!name[0] || name[0] == '.')
		name[0] = 'x';
	for (char *p = name; *p; p++)
		*p = *p == '/' ? '_' : *p;
	touch(journals, name, rec, sizeof(*rec) - lacks);
	if (lacks)
		rec->magic[0] = 'X'; /* it must not be believed */
}

/* What may have been done, and no more. */
static void check_done(const struct fuzz_hv *f, const struct xl_undo_record *rec,
		       const char *name, uint8_t guest)
{
	uint32_t owed = atomic_load(&rec->owed);
	char boot[40];
	bool ours;

	xl_undo_boot_id(boot);
	ours = !xl_undo_invalid(rec, name) && rec->domid == DOMID && !strcmp(rec->boot, boot) &&
	       !memcmp(rec->uuid, f->dom.uuid, sizeof(rec->uuid));
	if (!ours || !(owed & (XL_UNDO_PAUSE_MAYBE | XL_UNDO_PAUSED)))
		FUZZ_CHECK(f->pauses == (guest & 1));
	else if ((owed & XL_UNDO_PAUSED) || !(owed & XL_UNDO_PAUSED_BEFORE))
		FUZZ_CHECK(f->pauses == 0);
	FUZZ_CHECK(f->logging == ((guest & 2) && !(ours && (owed & XL_UNDO_ALL_LOG))));
	FUZZ_CHECK(f->dm_logging == ((guest & 4) && !(ours && (owed & XL_UNDO_DM_LOG))));
	for (size_t i = 0; i < XL_ARRAY_SIZE(keep); i++) {
		char path[512];

		(void)snprintf(path, sizeof(path), "%s/%s", dumps, keep[i]);
		FUZZ_CHECK(access(path, F_OK) == 0);
	}
}

static void count_line(void *data, enum xldump_log_level level, const char *line)
{
	(void)level;
	FUZZ_CHECK(line[0]);
	++*(unsigned *)data;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct xl_undo_record *rec = calloc(1, sizeof(*rec));
	unsigned lines = 0, undone;
	struct xl_ctx x = { .log = count_line, .log_data = &lines };
	uint8_t what = fuzz_u8(&in), guest = fuzz_u8(&in);
	char name[256] = "";
	struct fuzz_hv f;
	int r;

	if (!rec)
		abort();
	make_folders();
	for (size_t i = 0; i < XL_ARRAY_SIZE(keep); i++)
		touch(dumps, keep[i], "", 0);
	touch(dumps, ".a.partial-b", "", 0);
	make_journal(&in, what, rec, name);

	fuzz_hv_init(&f);
	f.dom.domid = DOMID;
	f.dom.hvm_devices = true;
	memset(f.dom.uuid, 0x11, sizeof(f.dom.uuid));
	f.pauses = guest & 1;
	f.logging = guest & 2;
	f.dm_logging = guest & 4;
	r = xl_recover(&x, &f.hv, journals, &undone);
	FUZZ_CHECK(r == 0 && undone <= 1 && lines <= 2);
	check_done(&f, rec, name, guest);
	/* It was set aside, or is gone. */
	FUZZ_CHECK(empty(journals) <= 1);

	f.pauses = 0;
	f.logging = f.dm_logging = false;
	fuzz_hv_deinit(&f);
	(void)empty(dumps);
	free(rec);
	return 0;
}
