// What an errno of a file means to a storage.
#pragma once

#include <libraft/error.hpp>

#include <cerrno>
#include <system_error>

namespace libraft::storage {

[[nodiscard]] inline std::error_code posix_error(int number) {
  if (number == ENOSPC || number == EDQUOT) return errc::no_space;
  return {number, std::system_category()};
}

}  // namespace libraft::storage
