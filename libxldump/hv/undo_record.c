/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal's file: what it may look like, who owns it. */
#include "hv/undo_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/domain.h"

/* Longer than a replay that waits for a device model (10 s, dm_qmp.h) and for little else. */
#define LOCK_TIMEOUT_MS 30000
#define LOCK_STEP_MS 10

void xl_undo_uuid(const uint8_t u[16], char ret[XL_UNDO_UUID_MAX])
{
	(void)snprintf(ret, XL_UNDO_UUID_MAX,
		       "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		       u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11],
		       u[12], u[13], u[14], u[15]);
}

void xl_undo_name(const struct xl_undo_record *rec, char ret[XL_UNDO_NAME_MAX])
{
	char uuid[XL_UNDO_UUID_MAX];

	xl_undo_uuid(rec->uuid, uuid);
	(void)snprintf(ret, XL_UNDO_NAME_MAX, "%" PRIu32 "-%s-%" PRIu32 "-%" PRIu32, rec->domid,
		       uuid, rec->pid, rec->serial);
}

/* FNV-1a: against damage, not against malice; whoever can write here is root. */
uint32_t xl_undo_checksum(const struct xl_undo_record *rec)
{
	const size_t from = offsetof(struct xl_undo_record, domid);
	const uint8_t *p = (const uint8_t *)rec + from;
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < offsetof(struct xl_undo_record, owed) - from; i++)
		h = (h ^ p[i]) * 16777619U;
	return h;
}

static bool flags_valid(uint32_t word)
{
	uint32_t f = word & 0xffff;

	if (word != xl_undo_pack(f) || (f & ~(uint32_t)(XL_UNDO_GUEST | XL_UNDO_PARTIAL)))
		return false;
	if ((f & XL_UNDO_PAUSE_MAYBE) && (f & XL_UNDO_PAUSED))
		return false;
	return !((f & XL_UNDO_LOG_MAYBE) && (f & XL_UNDO_LOG));
}

/* Only a file of the kind that we make may be removed: hidden, and marked as partial. */
static bool partial_valid(const struct xl_undo_record *rec)
{
	if (!memchr(rec->partial, '\0', sizeof(rec->partial)) ||
	    !memchr(rec->partial_dir, '\0', sizeof(rec->partial_dir)))
		return false;
	return rec->partial_dir[0] == '/' && rec->partial[0] == '.' &&
	       !strchr(rec->partial, '/') && strstr(rec->partial, ".partial-");
}

const char *xl_undo_invalid(const struct xl_undo_record *rec, const char *name)
{
	uint32_t word = atomic_load(&rec->owed);
	char expected[XL_UNDO_NAME_MAX];

	if (memcmp(rec->magic, XL_UNDO_MAGIC, sizeof(rec->magic)) != 0)
		return "not a journal of this version";
	if (rec->check != xl_undo_checksum(rec) || !memchr(rec->boot, '\0', sizeof(rec->boot)))
		return "wrong checksum";
	xl_undo_name(rec, expected);
	if (strcmp(name, expected) != 0)
		return "not what its name says";
	if (!flags_valid(word))
		return "contradicts itself";
	if ((word & XL_UNDO_CAP) && rec->cap != xl_undo_pack_cap((uint32_t)rec->cap))
		return "contradicts itself";
	if ((word & XL_UNDO_PARTIAL) && !partial_valid(rec))
		return "names a file that does not belong to a dump";
	return NULL;
}

void xl_undo_boot_id(char ret[40])
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	memset(ret, 0, 40);
	if (!f || fscanf(f, "%39s", ret) != 1)
		memset(ret, 0, 40);
}

int xl_undo_lock(int dirfd)
{
	for (int waited = 0; flock(dirfd, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (waited >= LOCK_TIMEOUT_MS)
			return -ETIMEDOUT;
		(void)poll(NULL, 0, LOCK_STEP_MS);
	}
	return 0;
}

void xl_undo_unlock(int dirfd)
{
	(void)flock(dirfd, LOCK_UN);
}

bool xl_undo_is_journal(const char *name)
{
	size_t len = strlen(name), end = strlen(XL_UNDO_BROKEN);

	return name[0] != '.' && (len < end || strcmp(name + len - end, XL_UNDO_BROKEN) != 0);
}

static bool owns_log(int dirfd, const char *name, uint32_t domid, const uint8_t uuid[16])
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	_cleanup_free_ struct xl_undo_record *rec = malloc(sizeof(*rec));

	if (fd < 0 || !rec || pread(fd, rec, sizeof(*rec), 0) != (ssize_t)sizeof(*rec) ||
	    xl_undo_invalid(rec, name))
		return false;
	if (rec->domid != domid || !xl_same_uuid(rec->uuid, uuid) ||
	    !(atomic_load(&rec->owed) & XL_UNDO_ALL_LOG))
		return false;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
		(void)flock(fd, LOCK_UN);
		return false; /* its owner is dead */
	}
	return true;
}

bool xl_undo_log_owned(int dirfd, const char *self, uint32_t domid, const uint8_t uuid[16])
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	bool found = false;

	if (!d) {
		xl_closep(&fd);
		return false;
	}
	while (!found && (e = readdir(d)))
		found = xl_undo_is_journal(e->d_name) && strcmp(e->d_name, self) != 0 &&
			owns_log(dirfd, e->d_name, domid, uuid);
	(void)closedir(d);
	return found;
}
