/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames between the driver (labkit/agent.py) and the agent in dom0 (agent.c).  All words are
 * little endian. */
#ifndef LAB_AGENT_FRAMES_H
#define LAB_AGENT_FRAMES_H

#include <stdint.h>

struct frame_head {
	uint32_t type;
	uint32_t length; /* of the payload */
};

enum frame_type {
	/* driver to agent */
	FRAME_RUN = 1,     /* struct frame_run, then the arguments, each ended by a zero byte */
	FRAME_STDIN = 2,   /* input for the command */
	FRAME_EOF = 3,     /* end of its input */
	FRAME_SIGNAL = 4,  /* u32: a signal for the command and its children */
	FRAME_WINSIZE = 5, /* u32 rows, u32 columns */
	/* agent to driver */
	FRAME_HELLO = 16,  /* dom0 is up */
	FRAME_STDOUT = 17,
	FRAME_STDERR = 18,
	FRAME_EXIT = 19,   /* u32: exit status, or 128 + signal */
};

#define RUN_TERMINAL 1u /* on a pseudo terminal instead of pipes */

struct frame_run {
	uint32_t flags;
	uint16_t rows, cols; /* of the terminal */
};

#endif
