// DiskView: what power cuts would leave on simulated disks.
#pragma once

#include "testkit/checks/promise_check.hpp"

#include <libraft/testkit/fault_file_system.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace libraft::testkit {

class DiskView final : public DurableView {
 public:
  using Disk = std::function<const FaultFileSystem*(NodeId)>;
  using MakeStorage = std::function<std::unique_ptr<Storage>(FileSystem&, NodeId)>;

  /// `disk` may give null: that node's disk is not looked at.
  DiskView(Disk disk, MakeStorage make) : disk_(std::move(disk)), make_(std::move(make)) {}

  /// The storage must be gone before this is called again.
  std::unique_ptr<Storage> after_power_cut(NodeId node) override {
    const FaultFileSystem* disk = disk_(node);
    // The disk of a node that is about to die: what it sent left before.
    if (disk == nullptr || disk->power_is_off()) return nullptr;
    copy_ = std::make_unique<FaultFileSystem>();
    copy_->restore(disk->image());
    copy_->crash(0);
    return make_(*copy_, node);
  }

 private:
  Disk disk_;
  MakeStorage make_;
  std::unique_ptr<FaultFileSystem> copy_;
};

}  // namespace libraft::testkit
