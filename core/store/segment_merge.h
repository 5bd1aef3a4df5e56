// Which bytes of two copies of a segment make the best one: so that filling a disk that came back never
// replaces what it alone has right. Internal to the log. Blocking; changes nothing.
#pragma once

#include <vector>

#include "store/segment_reader.h"

namespace firedrill::store {

/// Bytes of one of the two, from where the piece before it ends.
struct SegmentPiece {
    std::uint64_t size = 0;
    bool is_held = false;  ///< of the held copy, not of the one that serves
};

/// How far an open segment goes, as its writer knows it.
struct OpenEnd {
    std::uint64_t offset = 0;
    Digest chain;  ///< of the last record; the header's digest when there is none
};

/// Part by part what the serving copy has sound, else what the held one has. A run of the held copy's parts
/// counts only when what the serving disk has behind it goes on from it: the held one may tell another
/// history. From the first part that neither has, the serving copy's bytes as they are: nothing behind that
/// place is reached by any reader of the log. `open`: of the open segment; otherwise it is closed. A copy
/// that cannot be read has nothing. disk_failed when the serving one cannot be opened and the held one is not
/// whole; powered_off; newer_format.
Result<std::vector<SegmentPiece>> best_pieces(Disk& serving, Disk& held, const SegmentName& name,
                                              const std::optional<OpenEnd>& open);

}  // namespace firedrill::store
