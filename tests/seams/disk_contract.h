// What every Disk must keep (seams/disk.h) while it has power, in both worlds.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "seams/worlds.h"

namespace firedrill::test {

template <class World>
class DiskContract : public ::testing::Test {
  protected:
    std::unique_ptr<File> open(std::string_view name, Open how = Open::any) {
        auto file = disk_.open(name, how);
        EXPECT_TRUE(file.is_ok()) << (file ? "" : file.error().text);
        return file ? std::move(file).value() : nullptr;
    }
    std::string contents(File& file) {
        Bytes out(file.size_bytes().value());
        EXPECT_EQ(file.read_at(0, out).value(), out.size());
        return std::string(as_text(out));
    }
    Fault open_fault(std::string_view name, Open how) {
        auto file = disk_.open(name, how);
        return file ? Fault::internal : file.error().fault;
    }
    World world_;
    Disk& disk_ = world_.disk();
};
TYPED_TEST_SUITE(DiskContract, Worlds, WorldNames);

TYPED_TEST(DiskContract, ReadsBackWhatWasWrittenBeforeAnySyncThroughEveryFileOfThatName) {
    auto a = this->open("a");
    auto b = this->open("a");

    ASSERT_TRUE(a->write_at(0, as_bytes("first")));
    EXPECT_EQ(this->contents(*b), "first");
    ASSERT_TRUE(b->write_at(3, as_bytes("dly")));
    EXPECT_EQ(this->contents(*a), "firdly");
}

TYPED_TEST(DiskContract, ReadsFewerBytesOnlyAtTheEnd) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(0, as_bytes("0123456789")));
    std::array<Byte, 8> out{};

    EXPECT_EQ(file->read_at(0, out).value(), 8U);
    EXPECT_EQ(file->read_at(7, out).value(), 3U);
    EXPECT_EQ(as_text(ByteView(out).first(3)), "789");
    EXPECT_EQ(file->read_at(10, out).value(), 0U);
    EXPECT_EQ(file->read_at(1ULL << 40, out).value(), 0U);
    EXPECT_EQ(file->read_at(0, {}).value(), 0U);
}

TYPED_TEST(DiskContract, GathersPiecesInOrderEmptyOnesIncluded) {
    auto file = this->open("a");
    std::vector<Bytes> pieces;
    std::vector<ByteView> views;
    Bytes all;
    for (std::size_t i = 0; i < 200; ++i) {
        pieces.push_back(Bytes(i * 37 % 700, static_cast<Byte>(i)));
    }
    for (const Bytes& piece : pieces) {
        views.push_back(piece);
        append(all, piece);
    }

    ASSERT_TRUE(file->write_at(100, views));

    Bytes out(all.size());
    EXPECT_EQ(file->size_bytes().value(), 100 + all.size());
    EXPECT_EQ(file->read_at(100, out).value(), all.size());
    EXPECT_EQ(out, all);
    ASSERT_TRUE(file->write_at(0, std::span<const ByteView>{}));
    EXPECT_EQ(file->size_bytes().value(), 100 + all.size());
}

/// Memory that a device could read from where it lies takes another way than memory that must be copied.
TYPED_TEST(DiskContract, WritesDurablyFromAlignedMemoryOnePieceBehindTheOther) {
    struct alignas(4096) Aligned {
        std::array<Byte, 4096> bytes;
    };
    const auto pages = std::make_unique<std::array<Aligned, 3>>();
    std::vector<ByteView> views;
    Bytes all(512, 0);
    for (std::size_t i = 0; i < pages->size(); ++i) {
        (*pages)[i].bytes.fill(static_cast<Byte>(i + 1));
        views.push_back(ByteView((*pages)[i].bytes).first(i == 1 ? 512 : 4096));
        append(all, views.back());
    }
    auto file = this->open("a");

    ASSERT_TRUE(file->write_durable(512, views));

    Bytes out(all.size());
    EXPECT_EQ(file->size_bytes().value(), all.size());
    EXPECT_EQ(file->read_at(0, out).value(), all.size());
    EXPECT_EQ(out, all);
}

TYPED_TEST(DiskContract, WritesDurablyWhatEveryFileReadsBackAtOnce) {
    auto file = this->open("a");
    auto other = this->open("a");
    std::string model;
    std::uint64_t drawn = 1;
    const auto draw = [&drawn](std::uint64_t below) {
        drawn = drawn * 6364136223846793005U + 1442695040888963407U;
        return (drawn >> 33) % below;
    };
    for (int step = 0; step < 400; ++step) {
        // Whole sectors and odd places, one upon the other, by either way of writing and after a cut or a
        // reservation: 600,000 bytes at most.
        const std::uint64_t unit = draw(4) == 0 ? 1 : 512;
        const std::uint64_t offset = draw(unit == 1 ? 60'000 : 128) * unit;
        Bytes first(draw(unit == 1 ? 3'000 : 8) * unit, static_cast<Byte>(step));
        Bytes second((step % 50 == 0 ? 1'000 : draw(6)) * unit, static_cast<Byte>(step + 1));
        const std::array<ByteView, 3> pieces{ByteView(first), ByteView(), ByteView(second)};
        const std::uint64_t end = offset + first.size() + second.size();
        switch (draw(9)) {
            case 0:
                ASSERT_TRUE(file->truncate(offset));
                model.resize(offset);
                continue;
            case 1:
                ASSERT_TRUE(file->allocate(offset + 1));
                model.resize(std::max<std::size_t>(model.size(), offset + 1));
                continue;
            case 2:
            case 3: ASSERT_TRUE(other->write_at(offset, pieces)); break;
            case 4: {
                auto beside = this->open("beside");
                file->begin_write_durable(offset, pieces);
                ASSERT_TRUE(beside->write_durable(0, pieces));
                ASSERT_TRUE(file->end_write_durable());
                ASSERT_EQ(beside->read_at(0, first).value(), first.size());
                break;
            }
            default: ASSERT_TRUE(file->write_durable(offset, pieces));
        }
        if (!first.empty() || !second.empty()) {
            model.resize(std::max<std::size_t>(model.size(), end));
            model.replace(offset, end - offset, std::string(as_text(first)) + std::string(as_text(second)));
        }
        ASSERT_EQ(this->contents(*other), model) << step;
        ASSERT_EQ(this->contents(*file), model) << step;
    }
    EXPECT_GT(model.size(), 10'000U);
}

TYPED_TEST(DiskContract, FillsTheGapBeforeAWriteWithZeroes) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(0, as_bytes("x")));

    ASSERT_TRUE(file->write_at(5000, as_bytes("y")));

    EXPECT_EQ(this->contents(*file), "x" + std::string(4999, '\0') + "y");
}

TYPED_TEST(DiskContract, TruncatesBothWaysAndForgetsWhatWasCut) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(0, Bytes(2000, 'x')));
    ASSERT_TRUE(file->sync());

    ASSERT_TRUE(file->truncate(700));
    EXPECT_EQ(this->contents(*file), std::string(700, 'x'));
    ASSERT_TRUE(file->truncate(1500));
    EXPECT_EQ(this->contents(*file), std::string(700, 'x') + std::string(800, '\0'));
    ASSERT_TRUE(file->write_at(1600, as_bytes("z")));
    EXPECT_EQ(this->contents(*file), std::string(700, 'x') + std::string(900, '\0') + "z");
    ASSERT_TRUE(file->sync());
    EXPECT_EQ(this->contents(*file), std::string(700, 'x') + std::string(900, '\0') + "z");
}

TYPED_TEST(DiskContract, AllocatingKeepsContentsAndNeverShrinks) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(0, as_bytes("keep")));

    ASSERT_TRUE(file->allocate(100'000));
    EXPECT_EQ(file->size_bytes().value(), 100'000U);
    ASSERT_TRUE(file->allocate(10));
    EXPECT_EQ(file->size_bytes().value(), 100'000U);
    ASSERT_TRUE(file->allocate(0));

    EXPECT_EQ(this->contents(*file), "keep" + std::string(99'996, '\0'));
}

TYPED_TEST(DiskContract, OpensAsAsked) {
    EXPECT_EQ(this->open_fault("a", Open::existing), Fault::not_found);
    this->open("a", Open::create);
    EXPECT_EQ(this->open_fault("a", Open::create), Fault::exists);
    this->open("a", Open::existing);
    this->open("a", Open::any);
}

TYPED_TEST(DiskContract, RefusesNamesOutsideTheRule) {
    const std::string longest(100, 'n');
    for (const std::string& name :
         {std::string(), std::string("."), std::string(".."), std::string(".hidden"), std::string("a/b"),
          std::string("a b"), std::string("\xc3\xa4"), std::string("a\0b", 3), std::string("../a"),
          longest + "n"}) {
        EXPECT_EQ(this->open_fault(name, Open::any), Fault::bad_usage) << name;
        EXPECT_EQ(this->disk_.remove(name).error().fault, Fault::bad_usage) << name;
        EXPECT_EQ(this->disk_.rename("a", name).error().fault, Fault::bad_usage) << name;
        EXPECT_EQ(this->disk_.rename(name, "a").error().fault, Fault::bad_usage) << name;
    }
    this->open(longest);
    this->open("A-z_0.9-");
    EXPECT_EQ(this->disk_.list().value(), (std::vector<std::string>{"A-z_0.9-", longest}));
}

TYPED_TEST(DiskContract, ListsNamesSortedBytewise) {
    for (const auto* name : {"b", "B", "a10", "a2", "-"}) {
        this->open(name);
    }

    EXPECT_EQ(this->disk_.list().value(), (std::vector<std::string>{"-", "B", "a10", "a2", "b"}));
}

TYPED_TEST(DiskContract, RenameReplacesTheTargetAndOpenFilesFollow) {
    auto source = this->open("a");
    auto target = this->open("b");
    ASSERT_TRUE(source->write_at(0, as_bytes("new")));
    ASSERT_TRUE(target->write_at(0, as_bytes("old")));

    ASSERT_TRUE(this->disk_.rename("a", "b"));

    EXPECT_EQ(this->disk_.list().value(), std::vector<std::string>{"b"});
    EXPECT_EQ(this->contents(*this->open("b", Open::existing)), "new");
    EXPECT_EQ(this->contents(*target), "old");
    ASSERT_TRUE(source->write_at(3, as_bytes("er")));
    EXPECT_EQ(this->contents(*this->open("b", Open::existing)), "newer");
    EXPECT_EQ(this->disk_.rename("a", "c").error().fault, Fault::not_found);
    EXPECT_TRUE(this->disk_.rename("b", "b"));
}

TYPED_TEST(DiskContract, ARemovedFileIsGoneByNameAndLivesOnWhereItIsOpen) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(0, as_bytes("still here")));

    ASSERT_TRUE(this->disk_.remove("a"));

    EXPECT_EQ(this->open_fault("a", Open::existing), Fault::not_found);
    EXPECT_EQ(this->disk_.remove("a").error().fault, Fault::not_found);
    EXPECT_EQ(this->contents(*file), "still here");
    EXPECT_TRUE(this->disk_.sync_names());
    EXPECT_EQ(this->contents(*this->open("a", Open::create)), "");
}

TYPED_TEST(DiskContract, WhatNoNameLeadsToCannotBeMadeDurable) {
    auto removed = this->open("a");
    auto replaced = this->open("b");
    auto stays = this->open("c");
    ASSERT_TRUE(removed->sync());
    ASSERT_TRUE(replaced->sync());

    ASSERT_TRUE(this->disk_.remove("a"));
    ASSERT_TRUE(this->disk_.rename("c", "b"));

    EXPECT_EQ(removed->sync().error().fault, Fault::disk_failed);
    EXPECT_EQ(replaced->sync().error().fault, Fault::disk_failed);
    EXPECT_TRUE(stays->sync()) << "it has another name now";
    this->open("a");  // another file of the old name is no help
    EXPECT_EQ(removed->sync().error().fault, Fault::disk_failed);
}

TYPED_TEST(DiskContract, HasOneOwnerWhoIsNamed) {
    auto claim = this->disk_.claim("firedrill serve, process 41");
    ASSERT_TRUE(claim.is_ok());

    auto second = this->disk_.claim("another");
    ASSERT_FALSE(second.is_ok());
    EXPECT_EQ(second.error().fault, Fault::in_use);
    EXPECT_NE(second.error().text.find("firedrill serve, process 41"), std::string::npos)
        << second.error().text;
    EXPECT_TRUE(this->disk_.list().value().empty());

    std::move(claim).value().reset();
    EXPECT_TRUE(this->disk_.claim("the next").is_ok());
}

TYPED_TEST(DiskContract, HasFreeSpaceAndALabel) {
    EXPECT_GT(this->disk_.free_space_bytes().value(), 0U);
    EXPECT_FALSE(this->disk_.label().empty());
}

TYPED_TEST(DiskContract, ErrorsNameDiskAndFile) {
    auto missing = this->disk_.open("nothing.db", Open::existing);

    EXPECT_NE(missing.error().text.find(this->disk_.label() + "/nothing.db"), std::string::npos);
}

TYPED_TEST(DiskContract, ReplaceFileAndReadFileWorkOverIt) {
    ASSERT_TRUE(replace_file(this->disk_, "settings", as_bytes("one")));
    ASSERT_TRUE(replace_file(this->disk_, "settings", as_bytes("second")));

    EXPECT_EQ(as_text(read_file(this->disk_, "settings", 6).value()), "second");
    EXPECT_EQ(read_file(this->disk_, "settings", 5).error().fault, Fault::limit);
    EXPECT_EQ(read_file(this->disk_, "other", 5).error().fault, Fault::not_found);
    EXPECT_EQ(this->disk_.list().value(), std::vector<std::string>{"settings"});
}

}  // namespace firedrill::test
