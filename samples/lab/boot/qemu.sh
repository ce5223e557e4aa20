#!/usr/bin/env bash
# qemu.sh WORK OUT: one boot. No KVM, which a build machine seldom has: it takes a
# core for as long as it runs.
set -euo pipefail
work=$1 out=$2

share() { # ID PATH ACCESS
    printf '%s\n' -fsdev "local,id=$1,path=$2,security_model=none,$3" \
        -device "virtio-9p-pci,fsdev=$1,mount_tag=$1"
}
mapfile -t shares < <(
    share root / "multidevs=remap,readonly=on"
    share modules "$work/kernel/lib/modules" readonly=on
    share out "$out" writeout=immediate
)
exec nice -n 10 qemu-system-x86_64 -m 2048 -smp 1 -cpu max \
    -accel tcg -nographic -no-reboot -nodefaults -serial stdio \
    -kernel "$work"/kernel/boot/vmlinuz-* -initrd "$work/initramfs" \
    -append "console=ttyS0 quiet panic=-1" "${shares[@]}" < /dev/null
