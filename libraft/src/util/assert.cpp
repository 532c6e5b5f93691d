#include "util/assert.hpp"

#include <libraft/error.hpp>

#include <string>

namespace libraft::util {

void assertion_failed(const char* condition, const char* rule, const char* file, int line) {
  throw InvariantViolation(std::string(rule) + " (" + condition + ", " + file + ":" + std::to_string(line) + ")");
}

}  // namespace libraft::util
