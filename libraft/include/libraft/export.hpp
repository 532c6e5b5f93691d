// LIBRAFT_EXPORT marks what a shared build of libraft makes visible. Everything else is hidden.
#pragma once

#if defined(_WIN32)
#define LIBRAFT_EXPORT
#else
#define LIBRAFT_EXPORT __attribute__((visibility("default")))
#endif
