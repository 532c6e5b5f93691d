// Conformance suites: what they report.
//
// A suite is handed a factory for the thing to prove and calls back once for each rule that it checked. It depends on
// no test framework: pass the checks on to yours.
//
//     libraft::testkit::run_storage_conformance(factory, [](const ConformanceCheck& check) {
//       INFO(check.name << ": " << check.detail);
//       CHECK(check.passed);
//     });
#pragma once

#include <functional>
#include <string>

/// What tests need: conformance suites, disks that fail, clusters in virtual time.
namespace libraft::testkit {

/// One rule, checked.
struct ConformanceCheck {
  std::string name;       ///< the rule, as a sentence
  bool passed = false;    ///< the rule holds
  std::string detail;     ///< what was seen instead; empty when it passed
  std::string covered{};  ///< how much was tried, of checks that count it; else empty
};

/// Called in the thread that runs the suite, once for each check, in a fixed order.
using ConformanceReport = std::function<void(const ConformanceCheck&)>;

}  // namespace libraft::testkit
