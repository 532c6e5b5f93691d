// A failing run is made smaller before it is told: a shorter run, fewer kinds of faults, fewer events, fewer nodes.
#pragma once

#include "testkit/run/trial.hpp"

#include <functional>

namespace libraft::testkit {

/// The smallest part of `plan` found for which `fails` still holds, by at most `tries_max` calls (delta debugging).
[[nodiscard]] Plan shrink_plan(Plan plan, const std::function<bool(const Plan&)>& fails, std::size_t& tries_left);

/// The violation for the reader: shrunk when the options say so, and with the command that runs it again.
[[nodiscard]] FailedRun explain(const Service& service, const SimulateOptions& options, const Settings& settings,
                                const Plan& plan, const Finding& finding);

}  // namespace libraft::testkit
