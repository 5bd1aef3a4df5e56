#include "store/log_reading.h"

namespace firedrill::store {

Result<std::unique_ptr<LogReading>> LogReading::begin(std::span<Disk* const> disks, Lsn until,
                                                      RecordSink sink) {
    std::vector<LogSource> sources;
    for (Disk* disk : disks) {
        LogSource source;
        source.disk = disk;
        sources.push_back(source);
    }
    LogCatalogue catalogue = TRY(read_catalogue(std::move(sources), std::nullopt));
    auto made = std::unique_ptr<LogReading>(new LogReading(std::move(catalogue), until, std::move(sink)));
    TRY(made->walker_.start());
    return made;
}

Result<bool> LogReading::step() {
    return walker_.step();
}

}  // namespace firedrill::store
