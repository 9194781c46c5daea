// What cached answers about somebody's time depend on: rules and all that is booked, which one row stands for.

export const calendarTag = (therapistId: string) => `calendar:${therapistId}` as const
