/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xldumpctl debug: crash or drgn on a dump, with what they need to be told. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd.h"
#include "ctl/dumps.h"
#include "image/image_digests.h"
#include "image/image_kernel.h"
#include "ctl/vmlinux.h"

/* A command line; words are not copied, but for those in text. */
struct command {
	const char *word[64];
	size_t n;
	char text[2][64];
};

static void add(struct command *c, const char *word)
{
	if (c->n + 1 < XL_ARRAY_SIZE(c->word))
		c->word[c->n++] = word;
}

/* crash derives where the kernel is from ELF and kdump files, but not from a file of sections
 * alone: it wants both numbers, or finds nothing and says nothing.  Nor where another kernel is meant
 * than the one of the file's VMCOREINFO. */
static void add_kaslr(struct command *c, const struct xl_image_vm *vm)
{
	if (!vm->unlike_note && !vm->k.kaslr_offset && !vm->k.phys_base)
		return;
	(void)snprintf(c->text[0], sizeof(c->text[0]), "--kaslr=%#" PRIx64, vm->k.kaslr_offset);
	(void)snprintf(c->text[1], sizeof(c->text[1]), "phys_base=%#" PRIx64,
		       (uint64_t)vm->k.phys_base);
	add(c, c->text[0]);
	add(c, "--machdep");
	add(c, c->text[1]);
}

static int make_command(struct xl_ctx *x, const struct xl_image *img, const struct xl_image_vm *vm,
			const char *path, const char *vmlinux, bool drgn, struct command *c)
{
	if (!drgn) {
		add(c, "crash");
		if (img->kind == XL_IMAGE_XENCORE || vm->unlike_note)
			add_kaslr(c, vm);
		add(c, vmlinux);
		add(c, path);
		return 0;
	}
	if (img->kind == XL_IMAGE_XENCORE || img->kind == XL_IMAGE_XENCORE_RAW)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "drgn cannot open a file without program headers (xencore, or made "
			       "by `xl dump-core'); use crash, or convert the file with `xldumpctl "
			       "convert -f elf'");
	if (vm->unlike_note)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "drgn goes by the file's VMCOREINFO, which is of another kernel than %s; "
			       "use crash, or write a file with `xldumpctl convert -f elf --kernel=%s'",
			       vm->k.release, vm->k.release);
	if (img->flattened)
		(void)fprintf(stderr,
			      "xldumpctl debug: note: drgn reads a flattened file slowly, and %s cannot "
			      "open it: `xldumpctl reassemble' makes an ordinary one\n",
			      img->kind == XL_IMAGE_ELF ? "with libkdumpfile older than 0.5.5" :
							  "drgn older than 0.0.25");
	add(c, "drgn");
	add(c, "-c");
	add(c, path);
	add(c, "-s");
	add(c, vmlinux);
	return 0;
}

/* As a shell would take it. */
static void print_command(const struct command *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const char *p = c->word[i];

		if (i)
			(void)putchar(' ');
		if (*p && !p[strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_./=+-")]) {
			(void)fputs(p, stdout);
			continue;
		}
		(void)putchar('\'');
		for (; *p; p++)
			(void)fputs(*p == '\'' ? "'\\''" : (char[]){ *p, '\0' }, stdout);
		(void)putchar('\'');
	}
	(void)putchar('\n');
}

static int start(struct xl_ctx *x, const struct command *c)
{
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)execvp(c->word[0], (char *const *)(uintptr_t)c->word);
	return xl_fail(
		x, XLDUMP_CAUSE_OTHER, -errno,
		errno == ENOENT ?
			"%s is not installed: try `apt install %s', or --print to see what to run "
			"elsewhere (%s)" :
			"cannot start %s (of package %s): %s",
		c->word[0], strcmp(c->word[0], "drgn") ? c->word[0] : "python3-drgn",
		strerror(errno));
}

struct arguments {
	bool drgn, print, allow_damage;
	const char *file, *vmlinux, *kernel;
	char **more;
	int nr_more;
};

/* Not the pages: that would take as long as reading the whole file.  What the debugger goes by is
 * looked at. */
static int check(struct xl_ctx *x, struct xl_image *img)
{
	int r = xl_image_check(x, img, false);

	return r == -EBADMSG ?
		       xl_err(x, r, "%s",
			      "what a debugger shows of it may be wrong: `--allow-damage' "
			      "starts it all the same, `xldumpctl verify' names all damage") :
		       r;
}

static int debug(struct xl_ctx *x, const struct arguments *a)
{
	_cleanup_(xl_image_closep) struct xl_image *img = NULL;
	_cleanup_(xl_image_vm_deinit) struct xl_image_vm vm = { 0 };
	_cleanup_free_ char *found = NULL;
	struct vmlinux_wanted wanted;
	struct command c = { 0 };
	int r;

	r = xl_image_open(x, a->file, &img);
	if (r == 0 && img->narrow)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "a dump of a 32-bit PV guest: only the 32-bit crash opens it "
			       "(Debian's package crash:i386), as xencore-raw: crash VMLINUX %s",
			       a->file);
	if (r == 0 && !a->allow_damage)
		r = check(x, img);
	if (r == 0) {
		img->kernel = a->kernel;
		r = xl_image_vm_init(x, img, false, &vm);
	}
	if (r < 0)
		return r;
	vmlinux_wanted(vm.k.vmcoreinfo, &wanted);
	if (!a->vmlinux)
		r = vmlinux_find(x, &wanted, &found);
	else if (!vmlinux_fits(a->vmlinux, &wanted))
		(void)fprintf(stderr,
			      "xldumpctl debug: warning: %s is not the kernel of the dump, whose "
			      "build-id is %s\n", a->vmlinux, wanted.build_id);
	if (r == 0)
		r = make_command(x, img, &vm, a->file, a->vmlinux ? a->vmlinux : found, a->drgn, &c);
	if (r < 0)
		return r;
	for (int i = 0; i < a->nr_more; i++)
		add(&c, a->more[i]);
	if (a->print) {
		print_command(&c);
		return 0;
	}
	return start(x, &c);
}

static int run(struct xl_ctx *x, int argc, char **argv)
{
	static const struct option options[] = {
		{ "allow-damage", no_argument, NULL, 'D' },
		{ "drgn", no_argument, NULL, 'd' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "print", no_argument, NULL, 'n' },
		{ "spool", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	_cleanup_free_ char *path = NULL;
	const char *spool = NULL;
	struct arguments a = { 0 };
	int c, names = argc;

	/* What is behind -- is for the debugger. */
	for (int i = 1; i < argc && names == argc; i++)
		names = strcmp(argv[i], "--") ? argc : i;
	while ((c = cmd_getopt(&cmd_debug, names, argv, "nh", options)) != -1) {
		a.drgn = a.drgn || c == 'd';
		a.print = a.print || c == 'n';
		a.allow_damage = a.allow_damage || c == 'D';
		if (c == 's')
			spool = optarg;
		if (c == 'k')
			a.kernel = optarg;
	}
	if (names - optind < 1 || names - optind > 2)
		return cmd_usage_error(&cmd_debug, "a file is needed, and a vmlinux may follow");
	a.vmlinux = names - optind > 1 ? argv[optind + 1] : NULL;
	a.more = argv + (names < argc ? names + 1 : argc);
	a.nr_more = names < argc ? argc - names - 1 : 0;
	if (dumps_path(x, &cmd_debug, spool, argv[optind], &path) < 0)
		return cmd_fail(&cmd_debug, x);
	a.file = path;
	if (debug(x, &a) < 0)
		return cmd_fail(&cmd_debug, x);
	return cmd_flush(&cmd_debug) ? 0 : XLDUMP_CAUSE_OUTPUT;
}

const struct cmd cmd_debug = {
	.name = "debug",
	.summary = "start crash or drgn with the right options and kernel",
	.usage = "usage: xldumpctl debug [OPTIONS] FILE|MATCH [VMLINUX] [-- ARGUMENT...]\n"
		 "Start crash(8) on a dump.  If VMLINUX is not given, look for the kernel with debug\n"
		 "symbols by its build-id and its release.\n"
		 "\n" DUMPS_USAGE_MATCH "      --drgn         start drgn instead of crash\n"
		 "      --allow-damage start it even if the headers, notes or sections are damaged\n"
		 CMD_USAGE_KERNEL "  -n, --print        print the command instead of running it\n" DUMPS_USAGE_SPOOL
		 "  -h, --help         this text\n"
		 "\n"
		 "Arguments after -- are passed to the debugger.\n",
	.run = run,
};
